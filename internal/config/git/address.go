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
	u, err := url.Parse(strings.TrimPrefix(text, "git+"))
	if err != nil {
		return address{}, bad("the address cannot be read", spelling)
	}
	a := address{protocol: u.Scheme, host: strings.ToLower(u.Host)}
	if _, has := u.User.Password(); has || u.User != nil && u.Scheme != "ssh" {
		return address{}, bad("the address holds a user or a password, and would show it", "leave it out and set NINES_GIT_TOKEN, or give git a credential helper")
	}
	if a.ref, err = refIn(u.Query()); err != nil {
		return address{}, err
	}
	if u.Fragment != "" || u.Opaque != "" {
		return address{}, bad("the address cannot be read", spelling)
	}
	repo, folder, _ := strings.Cut(u.Path, "//")
	if a.folder = strings.Trim(folder, "/"); unclean(a.folder) || strings.ContainsFunc(u.Path, control) {
		return address{}, bad("the folder in the repository cannot be read", spelling)
	}
	if err := checkServer(u, repo); err != nil {
		return address{}, err
	}
	u.RawQuery, u.RawPath, u.Path = "", "", strings.TrimRight(repo, "/")
	a.repository = u.String()
	return a, nil
}

// refIn is the ref that an address asks for behind its question mark, "" where
// it asks for none.
func refIn(query url.Values) (ref string, err error) {
	for name, v := range query {
		if name != "ref" || len(v) != 1 {
			return "", bad("the address takes ref once, and nothing else, behind ?", spelling)
		}
		if why := gitkit.CheckRef(v[0]); why != "" {
			return "", bad("ref: "+why, "name a branch, a tag or a commit")
		}
		ref = v[0]
	}
	return ref, nil
}

// checkServer says what is wrong with where an address leads.
func checkServer(u *url.URL, repo string) error {
	if strings.Trim(repo, "/") == "" || u.Host == "" && u.Scheme != "file" || strings.HasPrefix(u.Host, "-") {
		return bad("the address names no repository", spelling)
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		return bad("documents by plain http could be anybody's", "write git+https://")
	}
	return nil
}

func bad(why, hint string) error {
	return fault.New(fault.Invalid, "documents in git", why, hint)
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
func (a address) credentials(getenv func(string) string) (settings []gitkit.Setting, secrets []string, err error) {
	if a.protocol != "https" && a.protocol != "http" {
		return nil, nil, nil
	}
	user, token, err := a.login(getenv)
	if err != nil || token == "" {
		return nil, nil, err
	}
	basic := base64.StdEncoding.EncodeToString([]byte(user + ":" + token))
	return []gitkit.Setting{
		{Key: "http." + a.protocol + "://" + a.host + "/.extraHeader", Value: "Authorization: Basic " + basic},
		// A header of ours would go along to where the server sends.
		{Key: "http.followRedirects", Value: "false"},
	}, []string{token, basic}, nil
}

// login is who asks the address's host, "" for nobody. NINES_GIT_TOKEN is for
// NINES_GIT_HOST, or GitLab's own host in a job; CI_JOB_TOKEN is for GitLab's
// own. No token goes anywhere else: a host that documents are read from is not
// therefore trusted with another's token.
func (a address) login(getenv func(string) string) (user, token string, err error) {
	given, meant := getenv("NINES_GIT_TOKEN"), getenv("NINES_GIT_HOST")
	gitlab := a.on(getenv("CI_SERVER_FQDN")) || a.on(getenv("CI_SERVER_HOST"))
	switch {
	case given != "" && (a.on(meant) || meant == "" && gitlab):
		return "oauth2", given, nil
	case given != "" && meant == "" && getenv("CI_SERVER_HOST") == "":
		return "", "", fault.New(fault.Invalid, "NINES_GIT_TOKEN", "it is not said for which host it is", "set NINES_GIT_HOST, as "+a.host)
	case gitlab:
		return "gitlab-ci-token", getenv("CI_JOB_TOKEN"), nil
	}
	return "", "", nil
}

// on says whether the address is on a host.
func (a address) on(host string) bool {
	host = strings.ToLower(host)
	return host != "" && (host == a.host || host == strings.TrimSuffix(a.host, ":443"))
}
