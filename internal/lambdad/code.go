package lambdad

import (
	"archive/zip"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"regexp"
)

// code is where a function's code comes from.
type code struct {
	ZipFile         []byte `json:"ZipFile"`
	S3Bucket        string `json:"S3Bucket"`
	S3Key           string `json:"S3Key"`
	S3ObjectVersion string `json:"S3ObjectVersion"`
	ImageURI        string `json:"ImageUri"`
}

// content is code that was found.
type content struct {
	digest string // SHA-256, base64
	size   int
	image  string
}

// fetch finds code for a function of a package type.
func (s *Server) fetch(in code, packageType string) (content, *failure) {
	switch {
	case in.ImageURI != "":
		if packageType != "Image" {
			return content{}, invalid("Please do not provide ImageUri when updating a function with packageType Zip.")
		}
		return content{digest([]byte(in.ImageURI)), len(in.ImageURI), in.ImageURI}, nil
	case packageType == "Image":
		return content{}, invalid("Please provide ImageUri when updating a function with packageType Image.")
	case in.S3Bucket != "":
		data, there := []byte(in.S3Bucket+"/"+in.S3Key+"?"+in.S3ObjectVersion), true
		if s.cfg.Object != nil {
			data, there = s.cfg.Object(in.S3Bucket, in.S3Key, in.S3ObjectVersion)
		}
		if !there {
			return content{}, invalid("Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist.")
		}
		return content{digest: digest(data), size: len(data)}, nil
	}
	if _, err := zip.NewReader(bytes.NewReader(in.ZipFile), int64(len(in.ZipFile))); err != nil {
		return content{}, invalid("Could not unzip uploaded file. Please check your file, then try to upload again.")
	}
	return content{digest: digest(in.ZipFile), size: len(in.ZipFile)}, nil
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// settings are the parts of a configuration that a caller sets; nil: as it is.
type settings struct {
	Runtime, Role, Handler, Description *string
	Timeout, MemorySize                 *int
	DeadLetterConfig                    *deadLetter
	Environment                         *environment
	RevisionID                          *string `json:"RevisionId"`
}

var roleARN = regexp.MustCompile(`^arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+$`)

// into changes a configuration.
func (in settings) into(c *configuration) *failure {
	if in.Role != nil && !roleARN.MatchString(*in.Role) {
		return unfit(*in.Role, "role", "Member must satisfy regular expression pattern: arn:(aws[a-zA-Z-]*)?:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+")
	}
	for _, p := range []struct {
		from *string
		to   *string
	}{{in.Runtime, &c.Runtime}, {in.Role, &c.Role}, {in.Handler, &c.Handler}, {in.Description, &c.Description}} {
		if p.from != nil {
			*p.to = *p.from
		}
	}
	if in.Timeout != nil {
		c.Timeout = *in.Timeout
	}
	if in.MemorySize != nil {
		c.MemorySize = *in.MemorySize
	}
	if in.DeadLetterConfig != nil {
		c.DeadLetterConfig = in.DeadLetterConfig
		if in.DeadLetterConfig.TargetArn == "" {
			c.DeadLetterConfig = nil
		}
	}
	if in.Environment != nil {
		c.Environment = in.Environment
	}
	return nil
}

var functionName = regexp.MustCompile(`^[a-zA-Z0-9-_]{1,64}$`)

func (s *Server) createFunction(c *call) reply {
	var in struct {
		settings

		FunctionName  string
		Code          code
		PackageType   string
		Architectures []string
		Publish       bool
	}
	if fail := parse(c, &in); fail != nil {
		return refuse(fail)
	}
	name, _ := parseName(in.FunctionName)
	if !functionName.MatchString(name) {
		return refuse(unfit(in.FunctionName, "functionName", "Member must satisfy regular expression pattern: [a-zA-Z0-9-_]+"))
	}
	if _, there := s.functions[name]; there {
		return refuse(conflict("Function already exist: %s", name))
	}
	r := &revised{configuration: configuration{
		FunctionName: name, FunctionArn: s.arn(name, ""), Timeout: 3, MemorySize: 128, Version: latest,
		PackageType: cmp.Or(in.PackageType, "Zip"), Architectures: in.Architectures, TracingConfig: map[string]string{"Mode": "PassThrough"},
		EphemeralStorage: map[string]int{"Size": 512}, SnapStart: map[string]string{"ApplyOn": "None", "OptimizationStatus": "Off"},
		LoggingConfig: map[string]string{"LogFormat": "Text", "LogGroup": "/aws/lambda/" + name},
	}}
	if len(r.Architectures) == 0 {
		r.Architectures = []string{"x86_64"}
	}
	found, fail := s.fetch(in.Code, r.PackageType)
	if fail == nil {
		fail = in.into(&r.configuration)
	}
	if fail != nil {
		return refuse(fail)
	}
	s.functions[name] = &function{latest: r, next: 1, aliases: map[string]*alias{}, provisioned: map[string]int{}}
	s.put(r, found)
	s.fresh(r, true)
	if !in.Publish {
		seen := r.configuration
		seen.Update = "" // there was none yet
		return created(seen)
	}
	v := s.publish(s.functions[name], nil)
	return created(v.configuration)
}

// put gives a function code, and stamps it.
func (s *Server) put(r *revised, found content) {
	r.CodeSha256, r.CodeSize, r.image = found.digest, found.size, found.image
	s.touch(r)
}

// touch stamps what has changed.
func (s *Server) touch(r *revised) {
	r.LastModified, r.RevisionID = stamp(s.cfg.Now()), s.revision()
}

func (s *Server) updateConfiguration(c *call) reply {
	var in settings
	if fail := parse(c, &in); fail != nil {
		return refuse(fail)
	}
	f, fail := s.changing(c, in.RevisionID)
	if fail != nil {
		return refuse(fail)
	}
	changed := f.latest.configuration
	if fail := in.into(&changed); fail != nil {
		return refuse(fail)
	}
	f.latest.configuration = changed
	s.touch(f.latest)
	s.fresh(f.latest, false)
	return ok(f.latest.configuration)
}

func (s *Server) updateCode(c *call) reply {
	var in struct {
		code

		RevisionID      *string `json:"RevisionId"`
		DryRun, Publish bool
	}
	if fail := parse(c, &in); fail != nil {
		return refuse(fail)
	}
	f, fail := s.changing(c, in.RevisionID)
	if fail != nil {
		return refuse(fail)
	}
	found, fail := s.fetch(in.code, f.latest.PackageType)
	if fail != nil {
		return refuse(fail)
	}
	if in.DryRun {
		seen := f.latest.configuration
		seen.CodeSha256, seen.CodeSize = found.digest, found.size
		return ok(seen)
	}
	s.put(f.latest, found)
	s.fresh(f.latest, false)
	if in.Publish {
		return ok(s.publish(f, nil).configuration)
	}
	return reply{status: http.StatusOK, body: f.latest.configuration}
}
