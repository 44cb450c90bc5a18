package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The binary of this test is a Go program with modules, as the shop is.
func TestLicences(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	var list strings.Builder
	require.NoError(t, run(self, &list))
	assert.Regexp(t, `github.com/google/licensecheck v\S+: BSD-3-Clause\n`, list.String())
	assert.Regexp(t, `(?s)={78}\ngithub.com/google/licensecheck .*Redistribution and use`, list.String())
}

func TestLicencesThatAreNotAllowed(t *testing.T) {
	for text, want := range map[string]string{
		"":                    "no licence that is known",
		"All rights reserved": "no licence that is known",
		"You can redistribute it and/or modify it under the terms of the GNU General Public License as published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.": "its licence is GPL-3.0-or-later",
	} {
		l := licence{text: text}
		assert.ErrorContains(t, l.classify(), want, text)
	}
}
