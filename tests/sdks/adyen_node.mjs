// Adyen's Node library, which speaks nothing but https: payment after payment to one address.
import {createRequire} from 'node:module';

const [modules, url, times] = process.argv.slice(2);
const {CheckoutAPI, Client} = createRequire(`${modules}/`)('@adyen/api-library');

const checkout = new CheckoutAPI(new Client({apiKey: 'key', environment: 'TEST'}));
const payments = checkout.PaymentsApi; // each time another one: kept, to keep its address
payments.baseUrl = `${url}/v72`;
const request = {
  merchantAccount: 'acme',
  reference: 'order-1',
  amount: {currency: 'EUR', value: 1000},
};

const told = [];
for (let time = 0; time < Number(times); time += 1) {
  try {
    const paid = await payments.payments(request, {idempotencyKey: `order-${time}`});
    told.push(String(paid.resultCode));
  } catch (error) {
    told.push(`adyen.${error.name}: ${error.errorCode}`);
  }
}
console.log(JSON.stringify(told));
process.exit(0);
