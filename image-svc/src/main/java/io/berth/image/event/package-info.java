/**
 * What the service tells others: events, and the outbox that keeps them in the order of the changes
 * they tell of.
 */
@NullMarked
package io.berth.image.event;

import org.jspecify.annotations.NullMarked;
