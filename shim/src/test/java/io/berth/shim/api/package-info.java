/** Tests with real containers that are made, commanded and undone through the wire. */
@NullMarked
package io.berth.shim.api;

import org.jspecify.annotations.NullMarked;
