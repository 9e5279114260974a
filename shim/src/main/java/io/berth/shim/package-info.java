/** Package. */
@NullMarked
package io.berth.shim;

import org.jspecify.annotations.NullMarked;
