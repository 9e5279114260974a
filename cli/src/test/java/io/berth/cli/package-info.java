/** Tests of the command line: whole lines against services in this process. */
@NullMarked
package io.berth.cli;

import org.jspecify.annotations.NullMarked;
