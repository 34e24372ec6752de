package awscreds

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

const (
	containerHost = "http://169.254.170.2"
	instanceHost  = "http://169.254.169.254"
	// maxAnswer bounds what an endpoint may answer, in bytes.
	maxAnswer = 64 << 10
	// patience is how long one question may take: all of them are asked next door.
	patience = 2 * time.Second
)

// Chain is where AWS puts credentials, in the order of its SDKs.
type Chain struct {
	Getenv func(string) string
	// Client asks the endpoints; nil: one that uses no proxy.
	Client *http.Client
}

// Fetch asks the environment, then the container's endpoint if the environment
// names one, then the instance's metadata.
func (c *Chain) Fetch(ctx context.Context) (Credentials, error) {
	if id, secret := c.Getenv("AWS_ACCESS_KEY_ID"), c.Getenv("AWS_SECRET_ACCESS_KEY"); id != "" && secret != "" {
		return Credentials{AccessKeyID: id, SecretAccessKey: secret, SessionToken: c.Getenv("AWS_SESSION_TOKEN")}, nil
	}
	if uri := c.Getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"); uri != "" {
		return c.container(ctx, containerHost+uri)
	}
	if uri := c.Getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI"); uri != "" {
		if err := allowed(uri); err != nil {
			return Credentials{}, err
		}
		return c.container(ctx, uri)
	}
	creds, err := c.instance(ctx)
	if err != nil {
		return Credentials{}, fmt.Errorf("no AWS credentials: not in the environment (AWS_ACCESS_KEY_ID), no container endpoint, "+
			"and the instance's metadata: %w; give a CredentialsFunc for any other source", err)
	}
	return creds, nil
}

// allowed keeps credentials' tokens from hosts that are not next door, as the SDKs do.
func allowed(uri string) error {
	u, err := url.Parse(uri)
	if err != nil {
		return fmt.Errorf("AWS_CONTAINER_CREDENTIALS_FULL_URI: %w", err)
	}
	if u.Scheme == "https" {
		return nil
	}
	host := u.Hostname()
	ip := net.ParseIP(host)
	if u.Scheme == "http" && (host == "localhost" || ip != nil &&
		(ip.IsLoopback() || host == "169.254.170.2" || host == "169.254.170.23" || host == "fd00:ec2::23")) {
		return nil
	}
	return fmt.Errorf("AWS_CONTAINER_CREDENTIALS_FULL_URI is %q: want https, or http to a loopback address or one of ECS or EKS", uri)
}

func (c *Chain) container(ctx context.Context, uri string) (Credentials, error) {
	token := c.Getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN")
	if file := c.Getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); file != "" {
		data, err := os.ReadFile(file) //nolint:gosec // the environment names it, as AWS specifies
		if err != nil {
			return Credentials{}, fmt.Errorf("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: %w", err)
		}
		token = strings.TrimSpace(string(data))
	}
	if strings.ContainsAny(token, "\r\n") {
		return Credentials{}, errors.New("AWS_CONTAINER_AUTHORIZATION_TOKEN has a line break in it")
	}
	header := http.Header{}
	if token != "" {
		header.Set("Authorization", token)
	}
	data, err := c.ask(ctx, http.MethodGet, uri, header)
	if err != nil {
		return Credentials{}, fmt.Errorf("the container's credentials: %w", err)
	}
	return decode(data)
}

func (c *Chain) instance(ctx context.Context) (Credentials, error) {
	const path = "/latest/meta-data/iam/security-credentials/"
	role, err := c.Metadata(ctx, path)
	if err != nil {
		return Credentials{}, err
	}
	role, _, _ = strings.Cut(strings.TrimSpace(role), "\n")
	if role == "" {
		return Credentials{}, errors.New("the instance has no role")
	}
	data, err := c.Metadata(ctx, path+url.PathEscape(role))
	if err != nil {
		return Credentials{}, err
	}
	return decode([]byte(data))
}

// Metadata asks the instance's metadata service, version 2, for a path.
func (c *Chain) Metadata(ctx context.Context, path string) (string, error) {
	if strings.EqualFold(c.Getenv("AWS_EC2_METADATA_DISABLED"), "true") {
		return "", errors.New("AWS_EC2_METADATA_DISABLED is true")
	}
	base := strings.TrimSuffix(c.Getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT"), "/")
	if base == "" {
		base = instanceHost
	}
	token, err := c.ask(ctx, http.MethodPut, base+"/latest/api/token", http.Header{"X-Aws-Ec2-Metadata-Token-Ttl-Seconds": {"300"}})
	if err != nil {
		return "", err
	}
	data, err := c.ask(ctx, http.MethodGet, base+path, http.Header{"X-Aws-Ec2-Metadata-Token": {strings.TrimSpace(string(token))}})
	return string(data), err
}

// Region is the instance's.
func (c *Chain) Region(ctx context.Context) (string, error) {
	region, err := c.Metadata(ctx, "/latest/meta-data/placement/region")
	return strings.TrimSpace(region), err
}

func (c *Chain) ask(ctx context.Context, method, uri string, header http.Header) (body []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, uri, nil)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", uri, err)
	}
	req.Header = header
	client := c.Client
	if client == nil {
		client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask: %w", err)
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("%s answered half: %w", uri, err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", uri, resp.Status)
	}
	return body, nil
}

// decode reads what both endpoints answer.
func decode(data []byte) (Credentials, error) {
	var v struct {
		Code, Message                       string
		AccessKeyId, SecretAccessKey, Token string //nolint:revive // as it is spelled there
		Expiration                          time.Time
	}
	if err := json.Unmarshal(data, &v); err != nil {
		return Credentials{}, fmt.Errorf("credentials that cannot be read: %w", err)
	}
	if v.Code != "" && v.Code != "Success" {
		return Credentials{}, fmt.Errorf("no credentials: %s %s", v.Code, v.Message)
	}
	if v.AccessKeyId == "" || v.SecretAccessKey == "" {
		return Credentials{}, errors.New("credentials without a key")
	}
	return Credentials{v.AccessKeyId, v.SecretAccessKey, v.Token, v.Expiration}, nil
}
