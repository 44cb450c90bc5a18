//go:build unix

package testbed

import (
	"context"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"syscall"
)

// Suite is a program that kills others by a plan, which it draws from a seed.
type Suite struct {
	// Name is the program's.
	Name string
	// Seed is that of the flag -seed, or else random.
	Seed uint64
	// Full says that no flag was given but -seed, -keep and those of Free: the result belongs
	// into the page of docs.
	Full bool
	// Free are flags that don't change what is measured.
	Free []string
	keep bool
}

// Main parses the flags and calls run with an empty folder, until Ctrl-C. If run fails, the
// folder is kept and the program exits with 1.
func (s *Suite) Main(run func(ctx context.Context, dir string) error) {
	flag.Uint64Var(&s.Seed, "seed", 0, "repeat the plan of this seed; 0 = a random seed")
	flag.BoolVar(&s.keep, "keep", false, "keep the logs")
	flag.Parse()
	s.Full = true
	s.Free = append(s.Free, "seed", "keep")
	flag.Visit(func(f *flag.Flag) { s.Full = s.Full && slices.Contains(s.Free, f.Name) })
	if s.Seed == 0 {
		s.Seed = randomSeed()
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log.SetFlags(log.Ltime)
	if err := s.inFolder(ctx, run); err != nil {
		stop()
		log.Fatal(s.Name, ": ", err)
	}
}

func (s *Suite) inFolder(ctx context.Context, run func(ctx context.Context, dir string) error) (err error) {
	dir, err := os.MkdirTemp("", s.Name+"-")
	if err != nil {
		return err
	}
	defer func() {
		if err == nil && !s.keep {
			err = os.RemoveAll(dir)
		} else {
			log.Print("the logs are in ", dir)
		}
	}()
	log.Print("seed ", s.Seed)
	return run(ctx, dir)
}

func randomSeed() uint64 { return 1 + rand.Uint64N(1_000_000) }

// SeedIn returns the seed that a variable has, or else a random one.
func SeedIn(variable string) (uint64, error) {
	text := os.Getenv(variable)
	if text == "" {
		return randomSeed(), nil
	}
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", variable, err)
	}
	return seed, nil
}
