package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// binary builds the program for a platform and returns it.
func (o *options) binary(ctx context.Context, goos, goarch string, tags ...string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "release")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "nines")
	args := []string{
		"build", "-trimpath", "-buildvcs=false", "-tags", strings.Join(tags, ","),
		"-ldflags", fmt.Sprintf("-s -w -buildid= -X main.version=%s -X main.commit=%s", o.version, o.commit), "-o", path, "./cmd/nines",
	}
	cmd := exec.CommandContext(ctx, "go", args...) //nolint:gosec // the words are ours
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+goarch, "GOFLAGS=", "GOAMD64=v1", "GOARM64=v8.0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build: %w\n%s", err, out)
	}
	return os.ReadFile(filepath.Clean(path))
}

// archive writes the download of a platform.
func (o *options) archive(ctx context.Context, platform string, common []file) error {
	goos, goarch, ok := strings.Cut(platform, "/")
	if !ok {
		return fmt.Errorf("%q is not GOOS/GOARCH", platform)
	}
	data, err := o.binary(ctx, goos, goarch)
	if err != nil {
		return err
	}
	exe, pack, suffix := "nines", tarball, ".tar.gz"
	if goos == "windows" {
		exe, pack, suffix = "nines.exe", zipped, ".zip"
	}
	files := append(slices.Clone(common), file{name: exe, data: data, mode: executable})
	return o.write(o.name(goos+"_"+goarch+suffix), pack, files)
}

// function writes the package of a Lambda function (provided.al2023).
func (o *options) function(ctx context.Context, goarch string) error {
	data, err := o.binary(ctx, "linux", goarch, "lambda.norpc")
	if err != nil {
		return err
	}
	return o.write(o.name("lambda_"+goarch+".zip"), zipped, []file{{name: "bootstrap", data: data, mode: executable}})
}

func (o *options) write(path string, pack packer, files []file) error {
	var b bytes.Buffer
	if err := pack(&b, files, o.epoch); err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o600)
}

// checksums writes SHA256SUMS over everything in a folder.
func checksums(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var b strings.Builder
	for _, e := range entries {
		data, err := fs.ReadFile(os.DirFS(dir), e.Name())
		if err != nil {
			return err
		}
		sum := sha256.Sum256(data)
		b.WriteString(hex.EncodeToString(sum[:]) + "  " + e.Name() + "\n")
	}
	return os.WriteFile(filepath.Join(dir, "SHA256SUMS"), []byte(b.String()), 0o600)
}
