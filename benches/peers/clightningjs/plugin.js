// The measured plugin on clightningjs. It takes each chunk that it reads for whole messages, so it
// dies of one that is longer than a chunk, and of a blank line inside a message.
const Plugin = require('clightningjs');

const plugin = new Plugin();
const goOn = () => ({ result: 'continue' });

if (process.argv.includes('writes')) {
  plugin.addHook('db_write', goOn);
} else {
  plugin.addHook('htlc_accepted', goOn);
  plugin.addMethod('total', ([amount, count]) => ({ amount, count, total: amount * count }),
    'amount count', 'Multiplies');
  plugin.subscribe('connect');
  plugin.notifications.connect.on('connect', () => {});
}
plugin.start();
