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

// record is what the judge looks at of a record of the topic.
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

// toRecord leaves id, source and sequence zero if the record isn't a search
// event.
func toRecord(m *sarama.ConsumerMessage) record {
	r := record{key: string(m.Key), partition: m.Partition, offset: m.Offset, value: digestOf(m.Value)}
	if event, err := testbed.DecodeSearchEvent(m); err == nil {
		r.id, _ = uuid.Parse(event.ID)
		r.source, r.sequence = event.Source, event.Sequence
	}
	return r
}

// window is how far below the highest sequence of its source a record may come
// in a partition. Consumers take what is lower for a copy.
const window = 65_536

// verdict is what became of the answers.
type verdict struct {
	answered int
	found    int // in the topic, or among the dead letters
	dead     int // of those found, the ones that are dead letters only
	lost     int // answered and found nowhere
	copies   int // records whose id was there before
	extra    int // records, each counted once, of searches that weren't answered
	// violations counts first copies that break the order of their key: those
	// that came after a later search, those in a partition that the key had left
	// or never had, and those that came so late that consumers take them for
	// copies.
	violations int
	// broken counts records that aren't what they should be: another value than
	// the answer, another key, no numbers or those of another record, or a copy
	// in another partition than the first.
	broken int
	// moved counts keys that changed their partition, as they may when
	// partitions are added.
	moved   int
	details []string // of lost, violations and broken, the first of each
}

const maxDetails = 10

// judge compares the answers with the records of the topic, which come with
// those of a partition in their order. counts are the numbers of partitions
// that the topic had, in order.
func judge(answers []answer, records []record, dead map[uuid.UUID]bool, counts []int32) (v verdict) {
	told := map[string]int{}
	tell := func(kind, format string, arguments ...any) {
		if told[kind]++; told[kind] <= maxDetails {
			v.details = append(v.details, kind+": "+fmt.Sprintf(format, arguments...))
		}
	}
	answerOf := make(map[uuid.UUID]*answer, len(answers))
	for i := range answers {
		answerOf[answers[i].id] = &answers[i]
	}
	firsts := v.firstCopies(records, answerOf, tell)
	v.judgeOrder(firsts, answerOf, counts, tell)

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
			tell("lost", "%s of %q, search %d, start %d", a.id, a.keyword, a.ordinal, a.start)
		}
	}
	return v
}

type teller func(kind, format string, arguments ...any)

// firstCopies returns the first record of each id, and looks whether each
// record is what it should be.
func (v *verdict) firstCopies(records []record, answers map[uuid.UUID]*answer, tell teller) (firsts []record) {
	type number struct {
		source   string
		sequence uint64
	}
	seen := make(map[uuid.UUID]record, len(records))
	numbers := make(map[number]uuid.UUID, len(records))
	for _, r := range records {
		if r.id == (uuid.UUID{}) || r.source == "" || r.sequence == 0 {
			v.broken++
			tell("not a search event, or without ce_id, ce_source or ce_sequence", "%v", r)
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
			tell("copy in another partition", "%v, first %v", r, first)
		case again && (first.source != r.source || first.sequence != r.sequence || first.value != r.value):
			tell("copy that isn't the same", "%v, first %v", r, first)
		case used && id != r.id:
			tell("number used twice", "%v, and %s", r, id)
		case a != nil && a.keyword != r.key:
			tell("key isn't the keyword", "%v, keyword %q", r, a.keyword)
		case a != nil && a.body != (digest{}) && a.body != r.value:
			tell("value isn't the answer", "%v", r)
		default:
			continue
		}
		v.broken++
	}
	return firsts
}

// judgeOrder counts each record once at most.
func (v *verdict) judgeOrder(firsts []record, answers map[uuid.UUID]*answer, counts []int32, tell teller) {
	type lane struct {
		partition   int32
		source, key string
	}
	sequences := map[lane]uint64{}
	ordinals := map[lane]int{}   // of all sources: the shop's starts are one instance
	windows := map[lane]uint64{} // of all keys
	violating := make(map[uuid.UUID]bool)
	violation := func(r record, kind, format string, arguments ...any) {
		if !violating[r.id] {
			violating[r.id] = true
			v.violations++
			tell(kind, format, arguments...)
		}
	}
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
	// Across partitions there is no order to see, but each belongs to a number
	// of partitions, and those come one after the other.
	bySequence := slices.Clone(firsts)
	slices.SortFunc(bySequence, func(a, b record) int {
		return cmp.Or(cmp.Compare(a.source, b.source), cmp.Compare(a.key, b.key), cmp.Compare(a.sequence, b.sequence))
	})
	epoch, previous := 0, record{}
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
			violation(r, "partition", "%v is not where the key belongs; it was used with %d partitions before", r, counts[epoch])
			continue
		}
		epoch = next
	}
	v.moved = len(moved)
}

var murmur2 = sarama.NewMurmur2Partitioner("")

func partitionOf(key string, partitions int32) int32 {
	partition, err := murmur2.Partition(&sarama.ProducerMessage{Key: sarama.StringEncoder(key)}, partitions)
	if err != nil {
		panic(err) // only if the key can't be encoded
	}
	return partition
}
