package render_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"gitlab.com/nines-sre/nines/internal/testkit/moto"
)

// TestMoto deploys the template of testdata into moto: the stack is made, its
// topics and its dashboard are there, and every alarm is as the template says.
// moto knows no composite alarms (it says so), and evaluates none.
func TestMoto(t *testing.T) {
	folder, err := filepath.Abs(filepath.Join("testdata", "python"))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PYTHONPATH", folder)
	t.Setenv("PYTHONDONTWRITEBYTECODE", "1")
	url := moto.Start(t)
	file := filepath.Join("testdata", "cloudwatch", "cloudformation", "nines-eu-west-1.template.json")
	cmd := exec.CommandContext(t.Context(), os.Getenv(moto.Python), filepath.Join("testdata", "moto.py"), url, file)
	cmd.Stderr = os.Stderr
	raw, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
	var got struct {
		Status     string
		Made       int
		Alarms     int
		Differs    [][]any
		Composites int
		Refused    string
		Widgets    int
		Topics     int
	}
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
	t.Logf("%s", raw)
	if got.Status != "CREATE_COMPLETE" || got.Alarms != 50 || len(got.Differs) > 0 || got.Widgets == 0 || got.Topics != 2 {
		t.Errorf("%s", raw)
	}
	if got.Composites != 13 && got.Refused == "" {
		t.Errorf("%d composite alarms, and no reason", got.Composites)
	}
}
