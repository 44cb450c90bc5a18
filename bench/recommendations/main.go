// Command recommendations judges the recommender on sessions of anybody: on the first of them it
// counts, for the others it predicts which item comes next. It has no scoring of its own: it calls
// the recommender of the shop, with counts in memory.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"time"
)

func main() {
	var o options
	flag.StringVar(&o.sessions, "sessions", "", "read sessions from `file`: lines of session,item,time")
	flag.StringVar(&o.test, "test", "", "test on the sessions of another `file`, and count all of the first one")
	flag.Float64Var(&o.share, "share", 0.1, "test on this share of the sessions, the last ones")
	flag.BoolVar(&o.validate, "validate", false, "leave the test out, and test on the last of the other sessions: for choosing settings")
	flag.BoolVar(&o.leaveOne, "leave-one-out", false, "count all sessions but their last items, and predict these: for shelves of readers")
	flag.StringVar(&o.data, "data", "", "compare contents, too: items are books in the database of this data `folder`")
	flag.Parse()
	if err := run(context.Background(), o); err != nil {
		log.Fatal(err)
	}
}

// options are the arguments of the command.
type options struct {
	sessions, test, data string
	share                float64
	validate, leaveOne   bool
}

func run(ctx context.Context, o options) (err error) {
	if o.sessions == "" {
		return errors.New("-sessions names no file")
	}
	items := &items{numbers: map[string]uint{}, asTheyAre: o.data != ""}
	train, test, err := items.read(o)
	if err != nil {
		return err
	}
	fmt.Printf("%d sessions to count, %d to predict, %d items\n\n", len(train), len(test), len(items.numbers))
	j := &judge{train: train, test: test, onlyLast: o.leaveOne}
	if o.data != "" {
		if j.books, err = openBooks(ctx, o.data); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, j.books.close()) }()
	}
	begun := time.Now()
	if err := j.table(ctx, os.Stdout); err != nil {
		return err
	}
	fmt.Printf("\n%d predictions; the next item of %d more was never opened before. %.1f s\n", j.predictions, j.unknown, time.Since(begun).Seconds())
	return nil
}
