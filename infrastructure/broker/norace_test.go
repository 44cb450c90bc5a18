//go:build !race

package broker

const raceFactor = 1
