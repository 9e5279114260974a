/** Tests of what clients write for streams. */
@NullMarked
package io.berth.shim.stdio;

import org.jspecify.annotations.NullMarked;
