package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The program that this test is contains modules like those of the shop.
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
		"SPDX-License-Identifier: AGPL-3.0\n\nGNU AFFERO GENERAL PUBLIC LICENSE Version 3, 19 November 2007": "",
	} {
		l := licence{text: text}
		assert.ErrorContains(t, l.classify(), want, text)
	}
}
