package codedeploy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"
	"go.yaml.in/yaml/v4"

	"gitlab.com/nines-sre/nines/internal/fault"
)

// spec is what an AppSpec says.
type spec struct {
	content         string
	current, target string
}

// spec reads a deployment's AppSpec, which is YAML or JSON.
func (a *Actor) spec(d *types.DeploymentInfo) (spec, error) {
	op := a.op + ", AppSpec of " + aws.ToString(d.DeploymentId)
	content := ""
	switch r := d.Revision; {
	case r == nil:
	case r.AppSpecContent != nil:
		content = aws.ToString(r.AppSpecContent.Content)
	case r.String_ != nil: //nolint:staticcheck // what older deployments have
		content = aws.ToString(r.String_.Content) //nolint:staticcheck // see above
	case r.S3Location != nil:
		return spec{}, fault.New(fault.Unsupported, op, "it lies in a bucket, s3://"+aws.ToString(r.S3Location.Bucket)+"/"+aws.ToString(r.S3Location.Key),
			"deploy once with its content in the call (revisionType AppSpecContent)")
	}
	properties, _, err := properties(content)
	if err != nil {
		return spec{}, fault.Wrap(fault.Unsupported, op, err, "it must describe one Lambda function")
	}
	text := func(name string) string {
		data, err := json.Marshal(properties[name])
		if err != nil {
			return ""
		}
		s := string(data)
		_ = json.Unmarshal(data, &s) // a number stays as it is written
		return s
	}
	return spec{content, text("CurrentVersion"), text("TargetVersion")}, nil
}

// properties finds the function's part of an AppSpec, in the whole.
func properties(content string) (part, whole map[string]any, err error) {
	if err := yaml.Unmarshal([]byte(content), &whole); err != nil {
		return nil, nil, err //nolint:wrapcheck // the caller's to say
	}
	bad := fault.New(fault.Invalid, "read it", "it has no Resources with one Lambda function", "")
	resources, _ := whole["Resources"].([]any)
	if len(resources) != 1 {
		return nil, nil, bad
	}
	named, _ := resources[0].(map[string]any)
	for _, r := range named {
		resource, _ := r.(map[string]any)
		if part, ok := resource["Properties"].(map[string]any); ok && resource["Type"] == "AWS::Lambda::Function" {
			return part, whole, nil
		}
	}
	return nil, nil, bad
}

// revision is an AppSpec from one version to another, otherwise as the one
// before. What puts back runs no hooks: they could hold it up.
func (a *Actor) revision(before, current, target string, back bool) (*types.RevisionLocation, error) {
	part, whole, err := properties(before)
	if err != nil {
		return nil, fault.Wrap(fault.Unsupported, a.op, err, "")
	}
	part["CurrentVersion"], part["TargetVersion"] = current, target
	whole["version"] = json.RawMessage("0.0")
	if back {
		delete(whole, "Hooks")
	}
	data, err := json.Marshal(whole)
	if err != nil {
		return nil, fault.Wrap(fault.Unsupported, a.op, err, "")
	}
	sum := sha256.Sum256(data)
	return &types.RevisionLocation{RevisionType: types.RevisionLocationTypeAppSpecContent, AppSpecContent: &types.AppSpecContent{
		Content: aws.String(string(data)), Sha256: aws.String(hex.EncodeToString(sum[:])),
	}}, nil
}
