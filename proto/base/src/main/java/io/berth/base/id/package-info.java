/** Names that come from outside, as values: whoever holds one knows that it was checked. */
@NullMarked
package io.berth.base.id;

import org.jspecify.annotations.NullMarked;
