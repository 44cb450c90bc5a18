//go:build unix

package main

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/IBM/sarama"
	"github.com/google/uuid"

	"literank.com/event-books/bench/testbed"
)

// record holds the parts of a topic's record that the judge compares.
type record struct {
	id        uuid.UUID
	key       string
	source    string
	sequence  uint64
	partition int32
	offset    int64
	value     digest
}

func (r record) String() string {
	return fmt.Sprintf("%s of %q in %d@%d, %s sequence %d", r.id, r.key, r.partition, r.offset, r.source, r.sequence)
}

// toRecord converts a record. id, source and sequence stay zero if it isn't a
// search event.
func toRecord(m *sarama.ConsumerMessage) record {
	r := record{key: string(m.Key), partition: m.Partition, offset: m.Offset, value: digestOf(m.Value)}
	if event, err := testbed.DecodeSearchEvent(m); err == nil {
		r.id, _ = uuid.Parse(event.ID)
		r.source, r.sequence = event.Source, event.Sequence
	}
	return r
}

// window is the distance below the highest sequence of its source at which a
// consumer takes a record in the same partition for a copy.
const window = 65_536

// verdict is the result of comparing the answers with the topic.
type verdict struct {
	answered int
	found    int // in the topic or in the dead letters
	dead     int // found only in the dead letters
	lost     int // answered and not found
	copies   int // records with the id of an earlier record
	extra    int // events of searches that weren't answered, without copies
	// violations counts events that break the order of their key: they follow a
	// later search, are in a partition that the key has left or never had, or come
	// so late that consumers take them for copies.
	violations int
	// broken counts records with a wrong value or key, with a missing or repeated
	// sequence, and copies that differ from the first record or are in another
	// partition.
	broken int
	// moved counts keys that changed their partition. That is allowed when
	// partitions are added.
	moved   int
	details []string // the first cases of each kind
}

const maxDetails = 10

// judge compares the answers with the records of the topic. Records of a partition
// must be in order. counts are the topic's numbers of partitions, oldest first.
func judge(answers []answer, records []record, dead map[uuid.UUID]bool, counts []int32) (v verdict) {
	cases := map[string]int{}
	note := func(kind, format string, arguments ...any) {
		if cases[kind]++; cases[kind] <= maxDetails {
			v.details = append(v.details, kind+": "+fmt.Sprintf(format, arguments...))
		}
	}
	answerOf := make(map[uuid.UUID]*answer, len(answers))
	for i := range answers {
		answerOf[answers[i].id] = &answers[i]
	}
	firsts := v.firstCopies(records, answerOf, note)
	v.judgeOrder(firsts, answerOf, counts, note)

	v.answered = len(answers)
	ids := make(map[uuid.UUID]bool, len(firsts))
	for _, r := range firsts {
		ids[r.id] = true
		if answerOf[r.id] == nil {
			v.extra++
		}
	}
	for _, a := range answers {
		switch {
		case ids[a.id]:
			v.found++
		case dead[a.id]:
			v.found++
			v.dead++
		default:
			v.lost++
			note("lost", "%s of %q, search %d, start %d", a.id, a.keyword, a.ordinal, a.start)
		}
	}
	return v
}

// noter adds a case to the details of a verdict.
type noter func(kind, format string, arguments ...any)

// firstCopies returns the first record of each id, and checks every record.
func (v *verdict) firstCopies(records []record, answers map[uuid.UUID]*answer, note noter) (firsts []record) {
	type number struct {
		source   string
		sequence uint64
	}
	seen := make(map[uuid.UUID]record, len(records))
	numbers := make(map[number]uuid.UUID, len(records))
	for _, r := range records {
		if r.id == (uuid.UUID{}) || r.source == "" || r.sequence == 0 {
			v.broken++
			note("not a search event, or without ce_id, ce_source or ce_sequence", "%v", r)
			continue
		}
		first, again := seen[r.id]
		if again {
			v.copies++
		} else {
			seen[r.id] = r
			firsts = append(firsts, r)
		}
		id, used := numbers[number{r.source, r.sequence}]
		numbers[number{r.source, r.sequence}] = r.id
		a := answers[r.id]
		switch {
		case again && first.partition != r.partition:
			note("copy in another partition", "%v, first %v", r, first)
		case again && (first.source != r.source || first.sequence != r.sequence || first.value != r.value):
			note("copy that isn't the same", "%v, first %v", r, first)
		case used && id != r.id:
			note("number used twice", "%v, and %s", r, id)
		case a != nil && a.keyword != r.key:
			note("key isn't the keyword", "%v, keyword %q", r, a.keyword)
		case a != nil && a.body != (digest{}) && a.body != r.value:
			note("value isn't the answer", "%v", r)
		default:
			continue
		}
		v.broken++
	}
	return firsts
}

// violator adds a violation of the order by a record.
type violator func(r record, kind, format string, arguments ...any)

// judgeOrder counts violations of the order, each record at most once.
func (v *verdict) judgeOrder(firsts []record, answers map[uuid.UUID]*answer, counts []int32, note noter) {
	violating := make(map[uuid.UUID]bool)
	violation := func(r record, kind, format string, arguments ...any) {
		if !violating[r.id] {
			violating[r.id] = true
			v.violations++
			note(kind, format, arguments...)
		}
	}
	judgeWithinPartitions(firsts, answers, violation)
	v.moved = judgeAcrossPartitions(firsts, counts, violation)
}

// judgeWithinPartitions compares the order of each partition with the order of the
// searches.
func judgeWithinPartitions(firsts []record, answers map[uuid.UUID]*answer, violation violator) {
	type lane struct {
		partition   int32
		source, key string
	}
	sequences := map[lane]uint64{}
	ordinals := map[lane]int{}   // over all sources: the starts of the shop are one instance
	windows := map[lane]uint64{} // over all keys
	for _, r := range firsts {
		ordinal := 0
		if a := answers[r.id]; a != nil {
			ordinal = a.ordinal
		}
		own, key, source := lane{r.partition, r.source, r.key}, lane{r.partition, "", r.key}, lane{r.partition, r.source, ""}
		if r.sequence < sequences[own] {
			violation(r, "order", "%v, search %d, came after sequence %d", r, ordinal, sequences[own])
		}
		if ordinal > 0 && ordinal < ordinals[key] {
			violation(r, "order", "%v, search %d, came after search %d", r, ordinal, ordinals[key])
		}
		if r.sequence+window <= windows[source] {
			violation(r, "beyond the window", "%v came after sequence %d", r, windows[source])
		}
		sequences[own] = max(sequences[own], r.sequence)
		ordinals[key] = max(ordinals[key], ordinal)
		windows[source] = max(windows[source], r.sequence)
	}
}

// judgeAcrossPartitions checks that each key moves only to the partition that it
// has with a later number of partitions. The order of records in different
// partitions isn't visible otherwise. It returns how many keys moved.
func judgeAcrossPartitions(firsts []record, counts []int32, violation violator) (moves int) {
	bySequence := slices.Clone(firsts)
	slices.SortFunc(bySequence, func(a, b record) int {
		return cmp.Or(cmp.Compare(a.source, b.source), cmp.Compare(a.key, b.key), cmp.Compare(a.sequence, b.sequence))
	})
	epoch, previous := 0, record{} // epoch is an index of counts
	partitions := map[string]int32{}
	moved := map[string]bool{}
	for _, r := range bySequence {
		if p, known := partitions[r.key]; known && p != r.partition {
			moved[r.key] = true
		}
		partitions[r.key] = r.partition
		if r.source != previous.source || r.key != previous.key {
			epoch = 0
		}
		previous = r
		next := epoch
		for next < len(counts) && partitionOf(r.key, counts[next]) != r.partition {
			next++
		}
		if next == len(counts) {
			violation(r, "partition", "%v is in a wrong partition; the topic had %d partitions before", r, counts[epoch])
			continue
		}
		epoch = next
	}
	return len(moved)
}

var murmur2 = sarama.NewMurmur2Partitioner("")

func partitionOf(key string, partitions int32) int32 {
	partition, err := murmur2.Partition(&sarama.ProducerMessage{Key: sarama.StringEncoder(key)}, partitions)
	if err != nil {
		panic(err) // happens only if the key can't be encoded
	}
	return partition
}
