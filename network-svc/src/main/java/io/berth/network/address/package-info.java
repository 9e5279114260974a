/**
 * Subnets and the addresses in them. Pure: no kernel, no store, no clock. A pool hands addresses
 * out in rising order from behind the one handed out last, so that a released one comes again as
 * late as possible: neighbours' caches and forgotten flows have had time to fade by then.
 */
@NullMarked
package io.berth.network.address;

import org.jspecify.annotations.NullMarked;
