// Runs the official Node client through one suite of checks; see world.cjs for the arguments.

require('./chat.cjs');
require('./tools.cjs');
require('./formats.cjs');
require('./endpoints.cjs');
require('./errors.cjs');
require('./guarded.cjs');
require('./world.cjs').main();
