/**
 * The closed set of failures that cross the wire, and its two mappings: to a gRPC status and back.
 */
@NullMarked
package io.berth.base.error;

import org.jspecify.annotations.NullMarked;
