// Package cli is the command line: each command reads its arguments, calls
// package application and prints the result. It must not know how things are done.
package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/mattn/go-isatty"

	"literank.com/event-books/application"
	"literank.com/event-books/infrastructure/config"
)

// Streams are what a command reads and writes.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// commands is the whole command line.
type commands struct {
	Config string `short:"c" placeholder:"FILE" help:"Configuration file. Default: config.yml in this folder, if it exists."`

	All       allCommand       `cmd:"" default:"1" help:"Run the shop: web service, and embedded parts for whatever the configuration leaves empty (default)."`
	Web       webCommand       `cmd:"" help:"Run the web service alone."`
	Trends    trendsCommand    `cmd:"" help:"Count searches and clicks, without a web service. Several of them share the work."`
	Interests interestsCommand `cmd:"" help:"Count which books are opened together, without a web service. Several of them share the work."`
	Echo      echoCommand      `cmd:"" help:"Answer pings alone; see /ping."`
	Broker    brokerCommand    `cmd:"" help:"Run the embedded broker alone."`
	Import    importCommand    `cmd:"" help:"Load a catalogue: CSV, JSON Lines or ONIX, also gzipped."`
	Export    exportCommand    `cmd:"" help:"Write the catalogue so that importing it changes nothing."`
	Events    struct {
		Tail   tailCommand         `cmd:"" help:"Show searches, clicks, or changes of the catalogue, as they come."`
		Top    topCommand          `cmd:"" help:"Show what was searched most, or what was searched and not found."`
		Export eventsExportCommand `cmd:"" help:"Write searches, impressions, clicks or judgements as flat files for analysts."`
		Dead   struct {
			List  deadListCommand  `cmd:"" help:"List them."`
			Show  deadShowCommand  `cmd:"" help:"Show one, with its record."`
			Retry deadRetryCommand `cmd:"" help:"Put some back: hand them to their handler, or send them to Kafka again."`
		} `cmd:"" help:"Look after events that Kafka rejected, and records that could not be counted."`
	} `cmd:"" help:"Read the topics."`
	Spool struct {
		Status spoolStatusCommand `cmd:"" help:"Count the events that wait in a spool."`
		Drain  spoolDrainCommand  `cmd:"" help:"Send the events in the spool of a shop that no longer runs."`
	} `cmd:"" help:"Look after the events that wait for Kafka."`
	Index struct {
		Status  indexStatusCommand  `cmd:"" help:"Show what the search index does."`
		Rebuild indexRebuildCommand `cmd:"" help:"Build another index from the database; the old one answers meanwhile."`
		Replay  indexReplayCommand  `cmd:"" help:"Run recorded searches against the index that the configuration makes, and list what would change."`
	} `cmd:"" help:"Look after the search index."`
	Demo        demoCommand `cmd:"" help:"Let simulated shoppers search in a running shop. They are counted apart from people."`
	ConfigGroup struct {
		Check checkCommand `cmd:"" help:"Show the value of each setting, or what is wrong with the configuration."`
	} `cmd:"" name:"config" help:"Look at the configuration."`
	Health  healthCommand  `cmd:"" help:"Exit 0 if the shop answers searches, else 1."`
	Version versionCommand `cmd:"" help:"Print version, commit and Go version."`

	BrokerChild childCommand `cmd:"" hidden:"" name:"broker-child"`
}

// usageError is an error of the command line or the configuration.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// Exit tells a person what Run returned, if it is an error, and gives the
// exit status that belongs to it: 0, 1 (failed) or 2 (usage or configuration).
func Exit(err error, stderr io.Writer) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, application.ErrReported): // the parent tells it
		return 1
	}
	fmt.Fprintln(stderr, "event-books:", err)
	var setting *config.SettingError
	if errors.As(err, &usageError{}) || errors.As(err, &setting) {
		return 2
	}
	return 1
}

// shell is what every command needs.
type shell struct {
	Streams
	ctx        context.Context
	level      slog.Level // as configured
	configFile string
	parts      application.Parts
}

// load reads the configuration of a command that prints for a person.
func (sh *shell) load() (c *config.Config, err error) {
	c, sh.level, err = sh.parse()
	return c, err
}

// logFrom returns the log of a command that prints for a person: as text, and only lines of
// that level or above. With the level debug it has everything.
func (sh *shell) logFrom(level slog.Level) *slog.Logger {
	level = max(level, sh.level)
	if sh.level == slog.LevelDebug {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(sh.Err, &slog.HandlerOptions{Level: level}))
}

// loadService reads the configuration of a command that runs until it is stopped. Its
// output is the log, also that of libraries.
func (sh *shell) loadService() (*config.Config, *slog.Logger, error) {
	c, level, err := sh.parse()
	if err != nil {
		return nil, nil, err
	}
	log := newServiceLog(sh.Err, level)
	slog.SetDefault(log) // libraries write to the default log
	return c, log, nil
}

func (sh *shell) parse() (*config.Config, slog.Level, error) {
	parse := config.ParseDefault
	if sh.configFile != "" {
		parse = func() (*config.Config, error) { return config.Parse(sh.configFile) }
	}
	c, err := parse()
	if err != nil {
		return nil, 0, usageError{err}
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.App.LogLevel)); err != nil {
		return nil, 0, usageError{fmt.Errorf("app.log_level: %w", err)}
	}
	return c, level, nil
}

// exited ends the parsing after --help.
type exited int

// Run executes one command, with parts of the shop replaced. It returns nil, or
// an error for Exit.
func Run(ctx context.Context, args []string, streams Streams, parts application.Parts) (err error) {
	var cmds commands
	parser, err := kong.New(&cmds,
		kong.Name("event-books"),
		kong.Description("A bookstore's catalogue and search. Each keyword search becomes an event on a Kafka topic."),
		kong.Writers(streams.Out, streams.Err),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Exit(func(code int) { panic(exited(code)) }),
	)
	if err != nil {
		return fmt.Errorf("command line: %w", err)
	}
	defer func() {
		if cause := recover(); cause != nil {
			if _, ok := cause.(exited); !ok {
				panic(cause)
			}
		}
	}()
	parsed, err := parser.Parse(args)
	if err != nil {
		return usageError{parseError(err)}
	}
	return parsed.Run(&shell{Streams: streams, ctx: ctx, configFile: cmds.Config, parts: parts})
}

// parseError names an unknown command, and a flag without its value: kong's errors about
// them don't say what is wrong.
func parseError(err error) error {
	const help = "see event-books --help"
	e, ok := errors.AsType[*kong.ParseError](err)
	if !ok {
		return fmt.Errorf("%w (%s)", err, help)
	}
	node := cmp.Or(e.Context.Selected(), e.Context.Model.Node)
	rest := e.Context.Path[len(e.Context.Path)-1].Remainder()
	switch {
	case len(rest) > 0 && len(node.Children) > 0 && !strings.HasPrefix(rest[0], "-"):
		var known []string
		for _, command := range node.Children {
			if !command.Hidden {
				known = append(known, command.Name)
			}
		}
		unknown := strings.TrimSpace(strings.TrimPrefix(node.Path()+" "+rest[0], e.Context.Model.Name))
		return fmt.Errorf("there is no command %q; use one of %s (%s)", unknown, strings.Join(known, ", "), help)
	case len(rest) == 0 || !slices.ContainsFunc(e.Context.Flags(), func(f *kong.Flag) bool {
		return !f.IsBool() && (rest[0] == "--"+f.Name || rest[0] == "-"+string(f.Short))
	}):
	case len(rest) == 1:
		return fmt.Errorf("%s needs a value (%s)", rest[0], help)
	case strings.HasPrefix(rest[1], "-") && rest[1] != "-":
		return fmt.Errorf("%s needs a value; if %s is one, write %[1]s=%[2]s (%[3]s)", rest[0], rest[1], help)
	}
	return fmt.Errorf("%w (%s)", err, help)
}

// newServiceLog writes text to a terminal and JSON elsewhere.
func newServiceLog(w io.Writer, level slog.Leveler) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if isTerminal(w) {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// checkCommand prints the configuration.
type checkCommand struct{}

func (checkCommand) Run(sh *shell) error {
	c, err := sh.load()
	if err != nil {
		return err
	}
	return c.Print(sh.Out)
}

// childCommand is the embedded broker's own process; the supervisor gives
// the arguments.
type childCommand struct {
	Dir       string `required:""`
	Listen    string `required:""`
	Advertise string
	MaxBytes  int
}

func (c childCommand) Run(sh *shell) error {
	return application.RunBrokerChild(sh.ctx, c.Dir, c.Listen, c.Advertise, c.MaxBytes, sh.In, sh.Out, newServiceLog(sh.Err, slog.LevelInfo))
}
