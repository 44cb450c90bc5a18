package testbed

import (
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOutputFindsAttributes(t *testing.T) {
	var o Output
	print := func(text string) {
		_, err := io.WriteString(&o, text)
		require.NoError(t, err)
	}
	print("plain text\n" + `{"level":"INFO","msg":"starting"}` + "\n")
	assert.Empty(t, o.Attr("listening", "ops"))
	assert.Empty(t, o.URL())
	print(`{"msg":"listening","url":"http://127.0.0.1:8080","ops":"127.0.0.1:8081"}` + "\n")
	assert.Equal(t, "127.0.0.1:8081", o.Attr("listening", "ops"))
	assert.Equal(t, "http://127.0.0.1:8080", o.URL())
	print(`{"msg":"listening","ops":"127.0.0.1:9081","pid":1234567890}` + "\n")
	assert.Equal(t, "127.0.0.1:9081", o.Attr("listening", "ops"), "the last line counts")
	assert.Equal(t, "1234567890", o.Attr("listening", "pid"))
	assert.Empty(t, o.Attr("listening", "none"))
}
