package main

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"time"
)

// session is what somebody opened, in order, each item once.
type session struct {
	name  string
	begin time.Time
	items []uint
}

// items numbers items by their names. The names are the numbers if the items are books.
type items struct {
	numbers   map[string]uint
	asTheyAre bool
}

func (i *items) number(name string) (uint, error) {
	if n, known := i.numbers[name]; known {
		return n, nil
	}
	n := uint64(len(i.numbers) + 1)
	if i.asTheyAre {
		var err error
		if n, err = strconv.ParseUint(name, 10, 64); err != nil {
			return 0, fmt.Errorf("%q is no number of a book", name)
		}
	}
	i.numbers[name] = uint(n)
	return uint(n), nil
}

// read returns the sessions to count and those to predict.
func (i *items) read(o options) (train, test []session, err error) {
	train, err = i.readFile(o.sessions)
	if err == nil && o.test != "" {
		test, err = i.readFile(o.test)
	}
	if err != nil {
		return nil, nil, err
	}
	switch {
	case o.leaveOne:
		train, test = withoutLast(train), train
	case o.test == "":
		train, test = split(train, o.share)
	}
	if o.validate && !o.leaveOne {
		train, test = split(train, o.share)
	}
	if len(train) == 0 || len(test) == 0 {
		return nil, nil, errors.New("there are too few sessions")
	}
	return train, test, nil
}

// split cuts the last sessions off.
func split(all []session, share float64) (first, last []session) {
	at := len(all) - int(share*float64(len(all)))
	return all[:at], all[at:]
}

// withoutLast returns the sessions without their last items.
func withoutLast(all []session) []session {
	shorter := slices.Clone(all)
	for i, s := range shorter {
		shorter[i].items = s.items[:len(s.items)-1]
	}
	return shorter
}

// readFile reads the sessions of a file, ordered by their begins.
func (i *items) readFile(name string) ([]session, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	all, err := i.parse(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return all, nil
}

type click struct {
	item uint
	at   time.Time
}

// parse reads lines of session,item,time, in any order. The first line may name the columns.
func (i *items) parse(r io.Reader) ([]session, error) {
	lines := csv.NewReader(r)
	lines.FieldsPerRecord, lines.ReuseRecord = 3, true
	clicks := map[string][]click{}
	for {
		fields, err := lines.Read()
		if errors.Is(err, io.EOF) {
			return sessions(clicks), nil
		}
		if err != nil {
			return nil, err
		}
		line, _ := lines.FieldPos(0)
		at, err := parseTime(fields[2])
		if err != nil {
			if line == 1 {
				continue
			}
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		item, err := i.number(fields[1])
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		clicks[fields[0]] = append(clicks[fields[0]], click{item, at})
	}
}

// parseTime reads a time in RFC 3339, or in seconds or milliseconds since 1970.
func parseTime(text string) (time.Time, error) {
	number, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil:
		return time.Parse(time.RFC3339Nano, text)
	case number < 1e11:
		return time.UnixMilli(int64(number * 1000)).UTC(), nil
	}
	return time.UnixMilli(int64(number)).UTC(), nil
}

func sessions(clicks map[string][]click) (all []session) {
	for name, list := range clicks {
		slices.SortStableFunc(list, func(a, b click) int { return a.at.Compare(b.at) })
		s := session{name: name, begin: list[0].at}
		for _, c := range list {
			if !slices.Contains(s.items, c.item) {
				s.items = append(s.items, c.item)
			}
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b session) int { return cmp.Or(a.begin.Compare(b.begin), cmp.Compare(a.name, b.name)) })
	return all
}
