/**
 * Names that come from outside, as values: whoever holds one knows that it was checked. And who
 * users and groups are, by name and number.
 */
@NullMarked
package io.berth.base.id;

import org.jspecify.annotations.NullMarked;
