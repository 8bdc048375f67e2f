// Watermill's side of the interop test, one command a run:
//
//	watermill KIND publish URL TOPIC                             JSON lines on standard input become messages
//	watermill KIND read URL TOPIC GROUP COUNT                    messages become JSON lines on standard output
//	watermill KIND requeue URL TOPIC GROUP COUNT                 dead letters go back to the topics they came from
//	watermill KIND publish-speed URL TOPIC BYTES COUNT CALLERS   prints how many nanoseconds it took
//	watermill KIND read-speed URL TOPIC GROUP COUNT              prints how many nanoseconds it took
//	watermill forward                                            envelopes, one a line, become what is in them
//
// KIND is kafka, sqlite, amqp-queue, amqp-pubsub, amqp-topic, or amqp-topic-durable, whose exchange is durable as well. A line is {"uuid": …, "metadata": {…},
// "payload": base64}, with "topic" where it was forwarded to, "key" in base64 where the broker has keys, and "delay" (such as 2s) of what is published.
// "ready" on standard error tells that reading has begun.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/ThreeDotsLabs/watermill/components/delay"
	"github.com/ThreeDotsLabs/watermill/message"
)

// patience is how long a command may take before it gives up.
const patience = 60 * time.Second

type line struct {
	UUID     string            `json:"uuid"`
	Metadata map[string]string `json:"metadata"`
	Payload  []byte            `json:"payload"`
	Topic    string            `json:"topic,omitempty"`
	Key      []byte            `json:"key,omitempty"`
	Delay    string            `json:"delay,omitempty"`
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 1 && args[0] == "forward" {
		return forward(os.Stdin, os.Stdout)
	}
	if len(args) < 4 {
		return fmt.Errorf("usage: watermill KIND (publish URL TOPIC | (read|requeue) URL TOPIC GROUP COUNT)")
	}
	kind, command, url, topic := args[0], args[1], args[2], args[3]
	switch {
	case command == "publish" && len(args) == 4:
		publisher, err := newPublisher(kind, url)
		if err != nil {
			return err
		}
		if err := publish(publisher, topic, os.Stdin); err != nil {
			return err
		}
		return publisher.Close()
	case command == "read" && len(args) == 6:
		count, err := strconv.Atoi(args[5])
		if err != nil {
			return err
		}
		subscriber, err := newSubscriber(kind, url, args[4])
		if err != nil {
			return err
		}
		if err := read(subscriber, topic, count, os.Stdout); err != nil {
			return err
		}
		return subscriber.Close()
	case command == "requeue" && len(args) == 6:
		count, err := strconv.Atoi(args[5])
		if err != nil {
			return err
		}
		return requeue(kind, url, topic, args[4], count)
	case command == "publish-speed" && len(args) == 7:
		numbers, err := numbersOf(args[4:])
		if err != nil {
			return err
		}
		publisher, err := fastPublisher(kind, url)
		if err != nil {
			return err
		}
		if err := publishSpeed(publisher, topic, numbers[0], numbers[1], numbers[2]); err != nil {
			return err
		}
		return publisher.Close()
	case command == "read-speed" && len(args) == 6:
		numbers, err := numbersOf(args[5:])
		if err != nil {
			return err
		}
		subscriber, err := fastSubscriber(kind, url, args[4])
		if err != nil {
			return err
		}
		if err := readSpeed(subscriber, topic, numbers[0]); err != nil {
			return err
		}
		return subscriber.Close()
	}
	return fmt.Errorf("no such command: %v", args)
}

func numbersOf(args []string) ([]int, error) {
	numbers := make([]int, len(args))
	for index, arg := range args {
		number, err := strconv.Atoi(arg)
		if err != nil {
			return nil, err
		}
		numbers[index] = number
	}
	return numbers, nil
}

func publish(publisher message.Publisher, topic string, from io.Reader) error {
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		var in line
		if err := json.Unmarshal(lines.Bytes(), &in); err != nil {
			return err
		}
		out := message.NewMessage(in.UUID, in.Payload)
		for key, value := range in.Metadata {
			out.Metadata.Set(key, value)
		}
		keyed(out, in.Key)
		if in.Delay != "" {
			duration, err := time.ParseDuration(in.Delay)
			if err != nil {
				return err
			}
			delay.Message(out, delay.For(duration))
		}
		if err := publisher.Publish(topic, out); err != nil {
			return err
		}
	}
	return lines.Err()
}

func read(subscriber message.Subscriber, topic string, count int, to io.Writer) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	messages, err := subscriber.Subscribe(ctx, topic)
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "ready")
	lines := json.NewEncoder(to)
	for range count {
		in, ok := <-messages
		if !ok {
			return fmt.Errorf("the subscription ended after %v", patience)
		}
		if err := lines.Encode(line{UUID: in.UUID, Metadata: in.Metadata, Payload: in.Payload, Key: keyOf(in)}); err != nil {
			return err
		}
		in.Ack()
	}
	return nil
}
