// Package broker is the embedded broker for a shop on one machine. It speaks
// Kafka's protocol, keeps its topics in a folder, and runs in a child process that a
// Supervisor restarts when it exits.
//
// Only this package knows the library that implements the protocol (kfake of
// twmb/franz-go) and the requests that the library must not see. It must not know
// the shop's topics, events or configuration file: its caller passes a folder and
// addresses, and all other code talks to it as to any Kafka.
package broker
