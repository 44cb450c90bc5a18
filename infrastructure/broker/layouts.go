package broker

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// layouts describes the requests that the broker serves: those of producers,
// consumers and their tools. It leaves out, and the broker doesn't advertise,
// requests for accounts and permissions, which protect nothing here; for moving
// replicas, because there are none; for changing settings, which decide about
// retention; DeleteRecords, because a partition could start again at offset 0; and
// DescribeTopicPartitions, whose answer by kfake has nulls that Kafka's tools can't
// read (they ask for Metadata instead).
//
// A layout lists the fields of a request. A number is a field of that many bytes, s
// a string, b bytes, *4 an array of fields of four bytes, […] an array of
// structures. @ is followed by the versions in which the field exists. In versions
// with tags, each structure ends with tags.
//
// The guard checks each request against its layout before kfake reads it. kfake's
// decoder trusts every count of tags: it loops over four billion missing tags, which
// takes half a minute. It also allocates two hundred bytes for each element of an
// array that isn't there.
var layouts = map[kmsg.Key]string{
	kmsg.ApiVersions:     "s@3+ s@3+ s@5+ 4@5+",
	kmsg.Metadata:        "[16@10+ s] 1@4+ 1@8-10 1@8+",
	kmsg.DescribeCluster: "1 1@1+ 1@2+",
	kmsg.DescribeConfigs: "[1 s *s] 1@1+ 1@3+",
	kmsg.DescribeLogDirs: "[s *4]",

	kmsg.CreateTopics:     "[s 4 2 [4 *4] [s s]] 4 1@1+",
	kmsg.DeleteTopics:     "*s@0-5 [s 16]@6+ 4",
	kmsg.CreatePartitions: "[s 4 [*4]] 4 1",

	kmsg.Produce:           "s@3+ 2 4 [s@0-12 16@13+ [4 b]]",
	kmsg.InitProducerID:    "s 4 8@3+ 2@3+",
	kmsg.DescribeProducers: "[s *4]",

	kmsg.AddPartitionsToTxn:   "s@0-3 8@0-3 2@0-3 [s *4]@0-3 [s 8 2 1 [s *4]]@4+",
	kmsg.AddOffsetsToTxn:      "s 8 2 s",
	kmsg.TxnOffsetCommit:      "s s 8 2 4@3+ s@3+ s@3+ [s@0-5 16@6+ [4 8 4@2+ s]]",
	kmsg.EndTxn:               "s 8 2 1",
	kmsg.DescribeTransactions: "*s",
	kmsg.ListTransactions:     "*s *8 8@1+ s@2+",

	kmsg.Fetch: "4@0-14 4 4 4@3+ 1@4+ 4@7+ 4@7+ " +
		"[s@0-12 16@13+ [4 4@9+ 8 4@12+ 8@5+ 4]] [s@7-12 16@13+ *4]@7+ s@11+",
	kmsg.ListOffsets:          "4 1@2+ [s [4 4@4+ 8 4@0-0]] 4@10+",
	kmsg.OffsetForLeaderEpoch: "4@3+ [s [4 4@2+ 4]]",

	kmsg.FindCoordinator: "s@0-3 1@1+ *s@4+",
	kmsg.JoinGroup:       "s 4 4@1+ s s@5+ s [s b] s@8+",
	kmsg.SyncGroup:       "s 4 s s@3+ s@5+ s@5+ [s b]",
	kmsg.Heartbeat:       "s 4 s s@3+",
	kmsg.LeaveGroup:      "s s@0-2 [s s s@5+]@3+",

	kmsg.ConsumerGroupHeartbeat: "s s 4 s s 4 *s s@1+ s [16 *4]",
	kmsg.ConsumerGroupDescribe:  "*s 1",

	kmsg.OffsetCommit: "s 4@1+ s@1+ s@7+ 8@2-4 [s@0-9 16@10+ [4 8 8@1-1 4@6+ s]]",
	kmsg.OffsetFetch:  "s@0-7 [s *4]@0-7 [s s@9+ 4@9+ [s@8-9 16@10+ *4]]@8+ 1@7+",
	kmsg.OffsetDelete: "s [s [4]]",

	kmsg.DescribeGroups: "*s 1@3+",
	kmsg.ListGroups:     "*s@4+ *s@5+",
	kmsg.DeleteGroups:   "*s",
}

// field is a parsed field of a layout.
type field struct {
	kind     byte // s, b, [ or 0
	width    int  // of kind 0
	array    bool // an array of plain fields
	fields   []field
	from, to int16 // versions
}

var notation = regexp.MustCompile(`(\[)|(?:(\])|(\*?)(\w+))(?:@(\d+)(?:-(\d+)|\+))?`)

// parsed holds the parsed layouts by API key.
var parsed = func() map[int16][]field {
	all := make(map[int16][]field)
	for key, layout := range layouts {
		tokens := notation.FindAllStringSubmatch(layout, -1)
		fields, rest := parseLayout(tokens)
		if rest != nil {
			panic(fmt.Sprintf("layout of %s", key.Name()))
		}
		all[int16(key)] = fields
	}
	return all
}()

// parseLayout parses fields up to the closing bracket. rest starts with that
// bracket; it is nil at the end of the layout.
func parseLayout(tokens [][]string) (fields []field, rest [][]string) {
	for len(tokens) > 0 {
		token := tokens[0]
		if token[2] != "" {
			return fields, tokens
		}
		f := field{array: token[3] == "*"}
		switch {
		case token[1] != "":
			f.kind = token[1][0]
			f.fields, tokens = parseLayout(tokens[1:])
			token = tokens[0]
		case token[4] == "s" || token[4] == "b":
			f.kind = token[4][0]
		default:
			f.width = number(token[4], 0)
		}
		f.from, f.to = int16(number(token[5], 0)), int16(number(token[6], math.MaxInt16))
		fields, tokens = append(fields, f), tokens[1:]
	}
	return fields, nil
}

func number(digits string, otherwise int) int {
	if n, err := strconv.Atoi(digits); err == nil {
		return n
	}
	return otherwise
}

// follow returns an error if a frame doesn't match the layout of its request.
func follow(frame []byte) error {
	f := follower{in: kbin.Reader{Src: frame[lengthSize:]}}
	f.key, f.version = f.in.Int16(), f.in.Int16()
	req := kmsg.RequestForKey(f.key)
	req.SetVersion(f.version)
	f.in.Int32()          // correlation id
	f.in.NullableString() // client id
	f.flexible = req.IsFlexible()
	if f.flexible {
		f.tags()
	}
	f.structure(parsed[f.key])
	if f.key == int16(kmsg.Fetch) && f.tagOne {
		// Tag 1 is sent only by brokers that copy from each other. It holds
		// nested tags, which follower doesn't check.
		return errors.New("a Fetch request from another broker")
	}
	if !f.in.Ok() {
		return fmt.Errorf("request %s, version %d, can't be read", kmsg.NameForKey(f.key), f.version)
	}
	return nil
}

// follower reads a request with the same functions as kfake.
type follower struct {
	in           kbin.Reader
	key, version int16
	flexible     bool
	tagOne       bool // the last structure had tag 1
}

func (f *follower) structure(fields []field) {
	for _, field := range fields {
		if field.from <= f.version && f.version <= field.to {
			f.field(field)
		}
	}
	if f.flexible {
		f.tags()
	}
}

func (f *follower) field(field field) {
	switch {
	case field.array:
		field.array = false
		for range f.length() {
			if f.field(field); !f.in.Ok() {
				return
			}
		}
	case field.kind == '[':
		for range f.length() {
			if f.structure(field.fields); !f.in.Ok() {
				return
			}
		}
	case field.kind == 0:
		f.in.Span(field.width)
	case f.flexible:
		f.span(int(f.in.Uvarint()) - 1)
	case field.kind == 's':
		f.span(int(f.in.Int16()))
	case field.kind == 'b':
		f.span(int(f.in.Int32()))
	}
}

// span skips a string or bytes, which may be null.
func (f *follower) span(n int) {
	if n > 0 {
		f.in.Span(n)
	}
}

func (f *follower) length() int32 {
	if f.flexible {
		return f.in.CompactArrayLen()
	}
	return f.in.ArrayLen()
}

func (f *follower) tags() {
	f.tagOne = false
	for left := f.in.Uvarint(); left > 0 && f.in.Ok(); left-- {
		tag := f.in.Uvarint()
		f.in.Span(int(f.in.Uvarint()))
		f.tagOne = f.tagOne || tag == 1
	}
}
