package broker

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// groupMember is a member of a group that sends what the test says.
type groupMember struct {
	client     *kgo.Client
	group, id  string
	generation int32
}

func newGroupMember(t *testing.T, addr, group string) *groupMember {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.RequestRetries(0))
	require.NoError(t, err)
	t.Cleanup(client.Close)
	m := &groupMember{client: client, group: group}
	require.Equal(t, kerr.MemberIDRequired.Code, must(m.join(t.Context())).ErrorCode)
	return m
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func (m *groupMember) join(ctx context.Context) (*kmsg.JoinGroupResponse, error) {
	req := kmsg.NewPtrJoinGroupRequest()
	req.Group, req.MemberID, req.ProtocolType = m.group, m.id, "consumer"
	req.SessionTimeoutMillis, req.RebalanceTimeoutMillis = 6000, 60_000
	protocol := kmsg.NewJoinGroupRequestProtocol()
	protocol.Name = "range"
	req.Protocols = append(req.Protocols, protocol)
	response, err := req.RequestWith(ctx, m.client)
	if err == nil {
		m.id, m.generation = response.MemberID, response.Generation
	}
	return response, err
}

// sync sends a partition to each of the members, if it is the leader.
func (m *groupMember) sync(ctx context.Context, members []kmsg.JoinGroupResponseMember) (*kmsg.SyncGroupResponse, error) {
	req := kmsg.NewPtrSyncGroupRequest()
	req.Group, req.MemberID, req.Generation = m.group, m.id, m.generation
	for _, member := range members {
		assignment := kmsg.NewSyncGroupRequestGroupAssignment()
		assignment.MemberID, assignment.MemberAssignment = member.MemberID, []byte("a partition")
		req.GroupAssignment = append(req.GroupAssignment, assignment)
	}
	return req.RequestWith(ctx, m.client)
}

func (m *groupMember) heartbeat(ctx context.Context) (*kmsg.HeartbeatResponse, error) {
	req := kmsg.NewPtrHeartbeatRequest()
	req.Group, req.MemberID, req.Generation = m.group, m.id, m.generation
	return req.RequestWith(ctx, m.client)
}

// A member that is killed while it waits for the others gets partitions like them. The group notices
// that it is gone, and gives them to somebody else.
func TestAMemberThatIsKilledWhileItWaitsIsGivenUp(t *testing.T) {
	t.Parallel()
	addr, _ := serve(t, Options{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	for _, waiting := range []string{"for the group", "for partitions"} {
		for number := range 6 { // without the guard, kfake gives up every other one
			t.Run(fmt.Sprint(waiting, " ", number), func(t *testing.T) {
				t.Parallel()
				killedWhileItWaits(t, addr, fmt.Sprint(waiting, number), waiting == "for partitions")
			})
		}
	}
}

func killedWhileItWaits(t *testing.T, addr, group string, forPartitions bool) {
	ctx := t.Context()
	leader := newGroupMember(t, addr, group)
	joined := must(leader.join(ctx))
	require.Len(t, joined.Members, 1)
	must(leader.sync(ctx, joined.Members))
	rebalances := func() bool { return must(leader.heartbeat(ctx)).ErrorCode == kerr.RebalanceInProgress.Code }

	other := newGroupMember(t, addr, group)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if _, err := other.join(ctx); err == nil {
			_, _ = other.sync(ctx, nil) // waits for the leader
		}
	}()
	kill := func() {
		other.client.Close()
		<-ended
	}
	require.Eventually(t, rebalances, time.Minute, 10*time.Millisecond)
	if !forPartitions {
		kill()
	}
	joined = must(leader.join(ctx))
	require.Len(t, joined.Members, 2)
	if forPartitions {
		require.Eventually(t, func() bool { return waitsForPartitions(t, leader.client, group) }, time.Minute, 10*time.Millisecond)
		kill()
	}
	must(leader.sync(ctx, joined.Members))
	require.Eventually(t, rebalances, 30*time.Second, 100*time.Millisecond, "the other member is given up")
	assert.Len(t, must(leader.join(ctx)).Members, 1)
}

// waitsForPartitions reports whether the group's members have joined.
func waitsForPartitions(t *testing.T, client *kgo.Client, group string) bool {
	t.Helper()
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = []string{group}
	response, err := req.RequestWith(t.Context(), client)
	require.NoError(t, err)
	return response.Groups[0].State == "CompletingRebalance"
}
