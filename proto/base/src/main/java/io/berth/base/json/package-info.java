/** How JSON is read and written everywhere, and immutable values of what was read. */
@NullMarked
package io.berth.base.json;

import org.jspecify.annotations.NullMarked;
