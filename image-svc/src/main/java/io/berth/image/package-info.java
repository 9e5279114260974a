/** Package. */
@NullMarked
package io.berth.image;

import org.jspecify.annotations.NullMarked;
