/** The one JSON codec. */
@NullMarked
package io.berth.base.json;

import org.jspecify.annotations.NullMarked;
