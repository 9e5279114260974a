/**
 * The life of a program: arguments, configuration, folder lock, start, readiness, what it gives
 * back when it is idle, orderly end.
 */
@NullMarked
package io.berth.base.daemon;

import org.jspecify.annotations.NullMarked;
