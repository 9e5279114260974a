/** The life of a program: arguments, configuration, folder lock, start, readiness, orderly end. */
@NullMarked
package io.berth.base.daemon;

import org.jspecify.annotations.NullMarked;
