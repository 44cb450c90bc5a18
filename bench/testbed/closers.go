package testbed

import "errors"

// Closers collects what must be closed at the end. The zero value is ready for use.
type Closers []func() error

// Add adds a function that closes something.
func (c *Closers) Add(closer func() error) { *c = append(*c, closer) }

// Close closes everything, the latest first, and joins the errors.
func (c Closers) Close() (err error) {
	for i := range c {
		err = errors.Join(err, c[len(c)-1-i]())
	}
	return err
}
