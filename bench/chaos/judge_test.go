//go:build unix

package main

import (
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func id(n int) uuid.UUID { return uuid.NewSHA1(uuid.Nil, fmt.Append(nil, n)) }

// handMade is a run of n searches for one keyword. All are answered, and all are in the
// topic once, in order and in the right one of three partitions.
func handMade(n int) (answers []answer, records []record) {
	for i := 1; i <= n; i++ {
		value := digestOf(fmt.Append(nil, i))
		answers = append(answers, answer{id: id(i), keyword: "moon", ordinal: i, start: 1, body: value})
		records = append(records, record{id: id(i), key: "moon", source: "/a", sequence: uint64(10 * i), partition: partitionOf("moon", 3), offset: int64(i - 1), value: value})
	}
	return answers, records
}

// The expected values come from another implementation of murmur2.
func TestThePartitionsOfAKey(t *testing.T) {
	for partitions, want := range map[int32]int32{3: 2, 5: 0, 8: 0} {
		assert.Equal(t, want, partitionOf("moon", partitions), "%d partitions", partitions)
	}
}

func TestAFlawlessLog(t *testing.T) {
	answers, records := handMade(5)
	assert.Equal(t, verdict{answered: 5, found: 5}, judge(answers, records, nil, []int32{3}))
}

func TestWhatTheJudgeSees(t *testing.T) {
	elsewhere := partitionOf("moon", 5)
	require.NotEqual(t, partitionOf("moon", 3), elsewhere)
	require.Equal(t, elsewhere, partitionOf("moon", 8), "the cases below rely on it")

	for name, test := range map[string]struct {
		spoil func(answers *[]answer, records *[]record)
		dead  map[uuid.UUID]bool
		want  verdict
	}{
		"a loss": {
			spoil: func(_ *[]answer, r *[]record) { *r = append((*r)[:1:1], (*r)[2:]...) },
			want:  verdict{found: 4, lost: 1},
		},
		"a dead letter is no loss": {
			spoil: func(_ *[]answer, r *[]record) { *r = append((*r)[:1:1], (*r)[2:]...) },
			dead:  map[uuid.UUID]bool{id(2): true},
			want:  verdict{found: 5, dead: 1},
		},
		"a copy is allowed": {
			spoil: func(_ *[]answer, r *[]record) { *r = append(*r, (*r)[1], (*r)[2]) },
			want:  verdict{found: 5, copies: 2},
		},
		"an event of a search that was not answered is allowed": {
			spoil: func(a *[]answer, _ *[]record) { *a = append((*a)[:1:1], (*a)[2:]...) },
			want:  verdict{found: 4, extra: 1},
		},
		"two records in the wrong order": {
			spoil: func(_ *[]answer, r *[]record) { (*r)[1], (*r)[2] = (*r)[2], (*r)[1] },
			want:  verdict{found: 5, violations: 1},
		},
		"a first record after a copy of another": {
			spoil: func(_ *[]answer, r *[]record) { *r = append((*r)[1:5:5], (*r)[4], (*r)[0]) },
			want:  verdict{found: 5, copies: 1, violations: 1},
		},
		"wrong order, visible only in the sequences": {
			spoil: func(a *[]answer, r *[]record) { *a = (*a)[2:]; (*r)[0], (*r)[1] = (*r)[1], (*r)[0] },
			want:  verdict{found: 3, extra: 2, violations: 1},
		},
		"wrong order, visible only in the answers": {
			spoil: func(_ *[]answer, r *[]record) {
				(*r)[1], (*r)[2] = (*r)[2], (*r)[1]
				(*r)[1].sequence, (*r)[2].sequence = (*r)[2].sequence, (*r)[1].sequence
			},
			want: verdict{found: 5, violations: 1},
		},
		"wrong order across a restart": {
			spoil: func(_ *[]answer, r *[]record) {
				(*r)[1].source = "/b"
				(*r)[1], (*r)[2] = (*r)[2], (*r)[1]
			},
			want: verdict{found: 5, violations: 1},
		},
		"another key in between is allowed": {
			spoil: func(_ *[]answer, r *[]record) {
				*r = append([]record{{id: id(99), key: "sun", source: "/a", sequence: 99, partition: partitionOf("sun", 3)}}, *r...)
			},
			want: verdict{found: 5, extra: 1},
		},
		"partitions were added": {
			spoil: func(_ *[]answer, r *[]record) { (*r)[3].partition, (*r)[4].partition = elsewhere, elsewhere },
			want:  verdict{found: 5, moved: 1},
		},
		"back to the old partition": {
			spoil: func(_ *[]answer, r *[]record) { (*r)[2].partition, (*r)[3].partition = elsewhere, elsewhere },
			want:  verdict{found: 5, violations: 1, moved: 1},
		},
		"a partition that the key never had": {
			spoil: func(_ *[]answer, r *[]record) { (*r)[4].partition = 7 },
			want:  verdict{found: 5, violations: 1, moved: 1},
		},
		"a copy in the new partition": {
			spoil: func(_ *[]answer, r *[]record) {
				copied := (*r)[4]
				copied.partition = elsewhere
				*r = append(*r, copied)
			},
			want: verdict{found: 5, copies: 1, broken: 1},
		},
		"so late that consumers take it for a copy": {
			spoil: func(_ *[]answer, r *[]record) {
				*r = append([]record{{id: id(99), key: "sun", source: "/a", sequence: 10 + window, partition: (*r)[0].partition}}, *r...)
			},
			want: verdict{found: 5, extra: 1, violations: 1},
		},
		"a value that isn't the answer": {
			spoil: func(_ *[]answer, r *[]record) { (*r)[2].value = digestOf(nil) },
			want:  verdict{found: 5, broken: 1},
		},
		"an answer with an unknown body": {
			spoil: func(a *[]answer, _ *[]record) { (*a)[2].body = digest{} },
			want:  verdict{found: 5},
		},
		"another key": {
			spoil: func(_ *[]answer, r *[]record) { (*r)[0].key, (*r)[0].partition = "Moon", partitionOf("Moon", 3) },
			want:  verdict{found: 5, broken: 1},
		},
		"a number used twice": {
			spoil: func(_ *[]answer, r *[]record) { (*r)[1].sequence = (*r)[0].sequence },
			want:  verdict{found: 5, broken: 1},
		},
		"a copy with another number": {
			spoil: func(_ *[]answer, r *[]record) {
				copied := (*r)[4]
				copied.sequence++
				*r = append(*r, copied)
			},
			want: verdict{found: 5, copies: 1, broken: 1},
		},
		"no number": {
			spoil: func(_ *[]answer, r *[]record) { (*r)[4].sequence = 0 },
			want:  verdict{found: 4, lost: 1, broken: 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			answers, records := handMade(5)
			test.spoil(&answers, &records)
			got := judge(answers, records, test.dead, []int32{3, 5, 8})
			assert.Len(t, got.details, got.lost+got.violations+got.broken)
			test.want.answered, got.details = len(answers), nil
			assert.Equal(t, test.want, got)
		})
	}
}
