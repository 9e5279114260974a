/**
 * How a thread lets time pass. Moments are {@link java.time.InstantSource}'s business, waiting is
 * {@link io.berth.base.time.Sleeper}'s; both are handed in, so that a test turns one clock for
 * both.
 */
@NullMarked
package io.berth.base.time;

import org.jspecify.annotations.NullMarked;
