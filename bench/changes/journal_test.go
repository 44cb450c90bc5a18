//go:build unix

package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// at is a moment of a run, in seconds.
func at(second int) time.Time {
	if second == 0 {
		return time.Time{}
	}
	return time.Unix(int64(second), 0)
}

// sets is a write of titles; "" deletes the book. end 0 = unanswered.
func sets(title string, start, end int) *write {
	w := &write{what: title, start: at(start), end: at(end)}
	if title != "" {
		w.values = map[string]string{"title": title}
	}
	return w
}

func TestJudge(t *testing.T) {
	a, b := sets("A", 1, 2), sets("B", 3, 4)
	patch := &write{start: at(3), end: at(4), values: map[string]string{"publisher": "P"}}
	for name, test := range map[string]struct {
		writes []*write
		stored map[string]string // nil: the book isn't there
		lost   string
	}{
		"the last one":                       {[]*write{a, b}, map[string]string{"title": "B"}, ""},
		"the last one is lost":               {[]*write{a, b}, map[string]string{"title": "A"}, "replaced"},
		"a value of nobody":                  {[]*write{a, b}, map[string]string{"title": "C"}, "replaced"},
		"at the same time":                   {[]*write{a, sets("B", 1, 3)}, map[string]string{"title": "A"}, ""},
		"unanswered, and there":              {[]*write{a, sets("B", 3, 0)}, map[string]string{"title": "B"}, ""},
		"unanswered, and not there":          {[]*write{a, sets("B", 3, 0)}, map[string]string{"title": "A"}, ""},
		"unanswered may come late":           {[]*write{sets("A", 1, 0), b}, map[string]string{"title": "A"}, ""},
		"another field":                      {[]*write{a, patch}, map[string]string{"title": "A", "publisher": "P"}, ""},
		"another field is lost":              {[]*write{a, patch}, map[string]string{"title": "A"}, "replaced"},
		"the book is lost":                   {[]*write{a}, nil, "isn't there"},
		"the book is deleted":                {[]*write{a, sets("", 3, 4)}, nil, ""},
		"the book is deleted, unanswered":    {[]*write{a, sets("", 3, 0)}, nil, ""},
		"an unanswered deletion didn't come": {[]*write{a, sets("", 3, 0)}, map[string]string{"title": "A"}, ""},
		"a deleted book is there":            {[]*write{a, sets("", 3, 4)}, map[string]string{"title": "A"}, "was deleted"},
		"nothing was answered":               {[]*write{sets("A", 1, 0)}, nil, ""},
	} {
		problem := judge(test.writes, test.stored)
		if test.lost == "" {
			assert.Empty(t, problem, name)
		} else {
			assert.Contains(t, problem, test.lost, name)
		}
	}
}

func TestJudgeRow(t *testing.T) {
	j := newJournal()
	j.imports["file/1"] = []*write{sets("A", 1, 2), sets("B", 5, 6)}
	j.rowOf[7] = "file/1"
	assert.Empty(t, j.judgeRow("file/1", 7, map[string]string{"title": "B"}))
	assert.NotEmpty(t, j.judgeRow("file/1", 7, map[string]string{"title": "A"}), "the second import is lost")
	assert.NotEmpty(t, j.judgeRow("file/1", 0, nil), "nobody deleted it")
	j.note(7, sets("", 3, 4))
	assert.NotEmpty(t, j.judgeRow("file/1", 0, nil), "it was imported again after the deletion")
	j.note(7, sets("", 5, 7))
	assert.Empty(t, j.judgeRow("file/1", 0, nil), "a later deletion")
	j.note(8, sets("C", 8, 9))
	assert.Empty(t, j.judgeRow("file/1", 8, map[string]string{"title": "C"}), "the book that the second import made, and its own writes")
}

func TestPlan(t *testing.T) {
	for _, outages := range []int{0, 1, 5} {
		p := newPlan(7, 20, outages)
		assert.Equal(t, p, newPlan(7, 20, outages), "a seed is a plan")
		assert.NotEqual(t, p, newPlan(8, 20, outages))
		kills, holds := 0, 0
		for _, r := range p.rounds {
			for _, list := range [][]kill{r.before, r.during, r.after} {
				for _, k := range list {
					kills += k.times()
				}
			}
			if r.hold > 0 {
				holds++
			} else {
				assert.Empty(t, r.during)
			}
		}
		assert.GreaterOrEqual(t, kills, 20)
		assert.Equal(t, outages, holds)
	}
}

func TestFailures(t *testing.T) {
	good := outcome{}
	topic := outcome{compared: compared{topic: 1}}
	for _, test := range []struct {
		row    row
		failed bool
	}{
		{row{product, good}, false},
		{row{product, topic}, true},
		{row{product, outcome{compared: compared{totals: 1}}}, true},
		{row{product, outcome{lost: 1}}, true},
		{row{product, outcome{refused: map[string]int{"500": 1}}}, true},
		{row{outside, topic}, false},
		{row{outside, good}, true},
		{row{unversioned, outcome{compared: compared{api: 1}}}, false},
	} {
		assert.Equal(t, test.failed, len(test.row.failures()) > 0, "%+v", test.row)
	}
	require.NotEmpty(t, crashTable([]row{{product, good}}))
}
