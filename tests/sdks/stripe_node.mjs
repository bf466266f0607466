// stripe-node as an application has it: one payment for each port, and what it was told of each.
import {createRequire} from 'node:module';

const [modules, ...ports] = process.argv.slice(2);
const Stripe = createRequire(`${modules}/`)('stripe');
// Its pauses between repeats are not waited for.
const later = globalThis.setTimeout;
globalThis.setTimeout = (call, _ms, ...rest) => later(call, 0, ...rest);

const told = [];
for (const port of ports) {
  const client = new Stripe('sk_test_1', {host: '127.0.0.1', port, protocol: 'http'});
  try {
    const intent = await client.paymentIntents.create({amount: 1000, currency: 'eur'});
    told.push(String(intent.status));
  } catch (error) {
    told.push(`stripe.${error.constructor.name}: ${error.code}`);
  }
}
console.log(JSON.stringify(told));
process.exit(0);
