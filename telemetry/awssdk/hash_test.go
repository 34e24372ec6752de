package awssdk_test

import (
	"crypto/sha256"
	"encoding/hex"
)

func hash(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}
