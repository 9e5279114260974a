/** Tests of the command line as a process that stays. */
@NullMarked
package io.berth.cli.resident;

import org.jspecify.annotations.NullMarked;
