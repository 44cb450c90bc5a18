// Package bench measures the shop against the limits of what it is built on.
// Each figure is a ratio to something measured in the same run, since machines
// differ and are shared: make bench.
package bench
