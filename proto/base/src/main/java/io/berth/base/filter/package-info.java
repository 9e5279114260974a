/** The filter language of the list and event calls. */
@NullMarked
package io.berth.base.filter;

import org.jspecify.annotations.NullMarked;
