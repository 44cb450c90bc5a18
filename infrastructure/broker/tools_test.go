//go:build unix

package broker

import (
	"slices"
	"strings"
	"testing"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/require"
)

// Kafka's command line tools work. Each line that a tool must print is given as its
// words.
func TestKafkaTools(t *testing.T) {
	t.Parallel()
	java(t, "org.apache.kafka.tools.TopicCommand") // skips
	addr, log, _ := supervised(t, Options{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	t.Cleanup(func() { require.Zero(t, log.count("exited unexpectedly")) })
	backlog(t, addr, "searches", 3, 10, 10)
	client := connect(t, addr)
	for _, group := range []string{"idle", "moved"} {
		commitOffset(t, client, group, "searches", 1)
	}

	member, err := sarama.NewConsumerGroup([]string{addr}, "busy", saramaConfig())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, member.Close()) })
	go func() {
		_ = member.Consume(t.Context(), []string{"searches"}, groupHandler{make(chan *sarama.ConsumerMessage)})
	}()
	admin, err := sarama.NewClusterAdmin([]string{addr}, saramaConfig())
	require.NoError(t, err)
	defer admin.Close()
	eventually(t, "a member", func() bool {
		groups, err := admin.DescribeConsumerGroups([]string{"busy"})
		return err == nil && groups[0].State == "Stable"
	})

	joinNewProtocol(t, addr, "modern", "searches", 3)

	const topics, groups = "org.apache.kafka.tools.TopicCommand", "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"
	for _, test := range []struct {
		tool  string
		args  string
		lines []string
		not   string // must not be printed
	}{
		{topics, "--list", []string{"searches"}, ""},
		{topics, "--describe", []string{"Topic: searches Partition: 2 Leader: 0 Replicas: 0 Isr: 0 Elr: N/A LastKnownElr: N/A"}, ""},
		{topics, "--describe --topic searches", []string{"Topic: searches Partition: 0 Leader: 0 Replicas: 0 Isr: 0 Elr: N/A LastKnownElr: N/A"}, ""},
		{topics, "--create --topic made --partitions 2", []string{"Created topic made."}, ""},
		{"org.apache.kafka.tools.GetOffsetShell", "", []string{"searches:0:2", "searches:1:2", "searches:2:2"}, ""},
		{"org.apache.kafka.tools.GetOffsetShell", "--topic searches --time earliest", []string{"searches:0:0"}, ""},
		{groups, "--list", []string{"idle", "busy"}, ""},
		{groups, "--list --state", []string{"idle Empty", "busy Stable"}, ""},
		{groups, "--list --state stable", []string{"busy Stable"}, "idle"},
		{groups, "--list --type classic", []string{"idle Classic", "busy Classic"}, ""},
		{groups, "--describe --group idle", []string{"idle searches 0 1 2 1 - - -"}, ""},
		{groups, "--describe --all-groups", []string{"idle searches 0 1 2 1 - - -", "busy searches 0 - 2 -"}, ""},
		{groups, "--describe --group idle --state", []string{"idle 127.0.0.1:"}, ""},
		{groups, "--describe --group busy --members", []string{"busy sarama-"}, ""},
		{groups, "--describe --group modern", []string{"modern searches 0 - 2 - member-of-modern"}, ""},
		{groups, "--describe --group modern --members --verbose", []string{"modern member-of-modern"}, ""},
		{groups, "--list --type consumer", []string{"modern Consumer"}, "idle"},
		{groups, "--group moved --topic searches --reset-offsets --to-latest --execute", []string{"moved searches 1 2"}, ""},
		{"org.apache.kafka.tools.BrokerApiVersionsCommand", "", []string{"Fetch(1): 4 to 17 [usable: 17],"}, ""},
		{"org.apache.kafka.tools.LogDirsCommand", "--describe --topic-list searches", []string{`{"brokers":[{"broker":0,"logDirs":[{"partitions":[`}, ""},
		{"kafka.admin.ConfigCommand", "--describe --entity-type topics --entity-name searches", []string{"max.message.bytes=16777216 "}, ""},
		{"kafka.admin.ConfigCommand", "--describe --entity-type brokers --entity-name 0", []string{"log.retention.bytes=134217728 "}, ""},
	} {
		t.Run(test.tool+" "+test.args, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"--bootstrap-server", addr}, strings.Fields(test.args)...)
			printed := output(t, java(t, test.tool, args...))
			var lines []string
			for line := range strings.Lines(printed) {
				lines = append(lines, strings.Join(strings.Fields(line), " "))
			}
			for _, want := range test.lines {
				require.True(t, slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line, want) }), "%q is missing in\n%s", want, printed)
			}
			if test.not != "" {
				require.NotContains(t, printed, test.not)
			}
		})
	}
	t.Run("ConsoleProducer", func(t *testing.T) {
		t.Parallel()
		createTopic(t, addr, "typed")
		cmd := java(t, "org.apache.kafka.tools.ConsoleProducer", "--bootstrap-server", addr, "--topic", "typed")
		cmd.Stdin = strings.NewReader("one\ntwo\n")
		printed := output(t, cmd)
		require.Equal(t, []string{"one", "two"}, consume(t, connect(t, addr), "typed"), printed)
	})
}
