// Package bench measures the shop against the limits of the parts it is built on. Each
// figure is a ratio to a value from the same run, because machines differ and are shared:
// make bench.
package bench
