package databasetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func testStaffSessions(t *testing.T, db Catalogue) {
	ctx, later := t.Context(), time.Now().Add(time.Hour)
	found := func(token string) string {
		data, found, err := db.FindSession(ctx, token)
		require.NoError(t, err)
		assert.Equal(t, found, data != nil)
		return string(data)
	}
	assert.Empty(t, found("a"))
	require.NoError(t, db.StoreSession(ctx, "a", []byte("one"), later))
	require.NoError(t, db.StoreSession(ctx, "b", []byte("\x00two\xff"), later))
	require.NoError(t, db.StoreSession(ctx, "a", []byte("three"), later), "it replaces the data")
	require.NoError(t, db.StoreSession(ctx, "old", []byte("x"), time.Now().Add(-time.Second)))
	assert.Equal(t, []string{"three", "\x00two\xff", ""}, []string{found("a"), found("b"), found("old")})
	require.NoError(t, db.DeleteSession(ctx, "a"))
	require.NoError(t, db.DeleteSession(ctx, "a"))
	assert.Equal(t, []string{"", "\x00two\xff"}, []string{found("a"), found("b")})
	require.NoError(t, db.DeleteSessions(ctx))
	assert.Empty(t, found("b"))
}
