package git

import (
	"encoding/base64"
	"net"
	"net/url"
	"strings"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/gitkit"
)

// address is where documents are: a repository, a folder or file in it ("" for
// all of it), and a branch, a tag or a commit ("" for the server's HEAD).
type address struct {
	repository string // as git takes it
	protocol   string
	host       string // with a port where one is written
	folder     string
	ref        string
}

const spelling = "write git+https://HOST/GROUP/REPO.git//FOLDER?ref=BRANCH"

// parse takes an address apart. What is wrong is said without repeating the
// address, which may hold a password.
func parse(text string) (address, error) {
	bad := func(why, hint string) (address, error) {
		return address{}, fault.New(fault.Invalid, "documents in git", why, hint)
	}
	u, err := url.Parse(strings.TrimPrefix(text, "git+"))
	if err != nil {
		return bad("the address cannot be read", spelling)
	}
	a := address{protocol: u.Scheme, host: strings.ToLower(u.Host)}
	if _, has := u.User.Password(); has || u.User != nil && u.Scheme != "ssh" {
		return bad("the address holds a user or a password, and would show it", "leave it out and set NINES_GIT_TOKEN, or give git a credential helper")
	}
	for name, v := range u.Query() {
		if name != "ref" || len(v) != 1 {
			return bad("the address takes ref once, and nothing else, behind ?", spelling)
		}
		if why := gitkit.CheckRef(v[0]); why != "" {
			return bad("ref: "+why, "name a branch, a tag or a commit")
		}
		a.ref = v[0]
	}
	if u.Fragment != "" || u.Opaque != "" {
		return bad("the address cannot be read", spelling)
	}
	repo, folder, _ := strings.Cut(u.Path, "//")
	if a.folder = strings.Trim(folder, "/"); unclean(a.folder) || strings.ContainsFunc(u.Path, control) {
		return bad("the folder in the repository cannot be read", spelling)
	}
	if strings.Trim(repo, "/") == "" || u.Host == "" && u.Scheme != "file" || strings.HasPrefix(u.Host, "-") {
		return bad("the address names no repository", spelling)
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		return bad("documents by plain http could be anybody's", "write git+https://")
	}
	u.RawQuery, u.RawPath, u.Path = "", "", strings.TrimRight(repo, "/")
	a.repository = u.String()
	return a, nil
}

func control(r rune) bool { return r < ' ' || r == 0x7f }

// unclean says whether a path in a repository leaves it, or is not what git
// calls it.
func unclean(p string) bool {
	if p == "" {
		return false
	}
	for part := range strings.SplitSeq(p, "/") {
		if part == "" || part == "." || part == ".." {
			return true
		}
	}
	return false
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// credentials are the settings that show who asks, and the secrets in them.
// NINES_GIT_TOKEN is for NINES_GIT_HOST, or GitLab's own host in a job;
// CI_JOB_TOKEN is for GitLab's own. No token goes anywhere else: a host that
// documents are read from is not therefore trusted with another's token.
func (a address) credentials(getenv func(string) string) (settings []gitkit.Setting, secrets []string, err error) {
	if a.protocol != "https" && a.protocol != "http" {
		return nil, nil, nil
	}
	own := func(names ...string) bool {
		for _, name := range names {
			if v := strings.ToLower(getenv(name)); v != "" && (v == a.host || v == strings.TrimSuffix(a.host, ":443")) {
				return true
			}
		}
		return false
	}
	user, token := "", ""
	switch {
	case getenv("NINES_GIT_TOKEN") != "" && own("NINES_GIT_HOST"):
		user, token = "oauth2", getenv("NINES_GIT_TOKEN")
	case getenv("NINES_GIT_TOKEN") != "" && getenv("NINES_GIT_HOST") == "" && own("CI_SERVER_FQDN", "CI_SERVER_HOST"):
		user, token = "oauth2", getenv("NINES_GIT_TOKEN")
	case getenv("NINES_GIT_TOKEN") != "" && getenv("NINES_GIT_HOST") == "" && getenv("CI_SERVER_HOST") == "":
		return nil, nil, fault.New(fault.Invalid, "NINES_GIT_TOKEN", "it is not said for which host it is", "set NINES_GIT_HOST, as "+a.host)
	case getenv("CI_JOB_TOKEN") != "" && own("CI_SERVER_FQDN", "CI_SERVER_HOST"):
		user, token = "gitlab-ci-token", getenv("CI_JOB_TOKEN")
	default:
		return nil, nil, nil
	}
	basic := base64.StdEncoding.EncodeToString([]byte(user + ":" + token))
	return []gitkit.Setting{
		{Key: "http." + a.protocol + "://" + a.host + "/.extraHeader", Value: "Authorization: Basic " + basic},
		// A header of ours would go along to where the server sends.
		{Key: "http.followRedirects", Value: "false"},
	}, []string{token, basic}, nil
}
