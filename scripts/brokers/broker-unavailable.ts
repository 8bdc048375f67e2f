/** Why this machine cannot have a broker: a sentence for the person at the keyboard. What needs the broker is then not run. */
export class BrokerUnavailable extends Error {}
