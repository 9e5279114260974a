/**
 * How a thread lets time pass. Moments are {@link java.time.InstantSource}'s business, durations
 * are {@link io.berth.base.time.Ticker}'s, waiting is {@link io.berth.base.time.Sleeper}'s; they
 * are handed in, so that a test turns one clock for all.
 */
@NullMarked
package io.berth.base.time;

import org.jspecify.annotations.NullMarked;
