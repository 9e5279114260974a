/**
 * What the service tells others: events, and the outbox that keeps them in the order of the changes
 * they tell of. Some are containerd's, others are docker's words for people.
 */
@NullMarked
package io.berth.image.event;

import org.jspecify.annotations.NullMarked;
