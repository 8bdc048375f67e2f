package main

import (
	"context"
	"encoding/json"
	"io"
	"sync"

	"github.com/ThreeDotsLabs/watermill/components/forwarder"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"
)

// forward gives Watermill's forwarder the envelopes that it reads, and prints what it makes of them.
func forward(from io.Reader, to io.Writer) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	envelopes := gochannel.NewGoChannel(gochannel.Config{BlockPublishUntilSubscriberAck: true}, quiet)
	daemon, err := forwarder.NewForwarder(envelopes, &printer{to: json.NewEncoder(to)}, quiet, forwarder.Config{ForwarderTopic: "envelopes"})
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- daemon.Run(ctx) }()
	select {
	case err := <-ended:
		return err
	case <-daemon.Running():
	}
	if err := publish(envelopes, "envelopes", from); err != nil {
		return err
	}
	if err := daemon.Close(); err != nil {
		return err
	}
	return <-ended
}

// printer is a publisher that prints.
type printer struct {
	mutex sync.Mutex
	to    *json.Encoder
}

func (p *printer) Publish(topic string, messages ...*message.Message) error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for _, msg := range messages {
		if err := p.to.Encode(line{Topic: topic, UUID: msg.UUID, Metadata: msg.Metadata, Payload: msg.Payload}); err != nil {
			return err
		}
	}
	return nil
}

func (p *printer) Close() error {
	return nil
}
